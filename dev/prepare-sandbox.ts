import { prepareSandboxKeys } from './sandbox.js';

/**
 * `node dist/dev/prepare-sandbox.js FOLDER` makes, in `FOLDER/keys`, what the containers of a sandbox need
 * before they start and lack: the keys of the issuer and of the simulator, and the key ring.
 */
await prepareSandboxKeys(process.argv[2] ?? '.');
