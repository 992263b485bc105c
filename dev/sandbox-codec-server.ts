import { untilInterrupted } from '../cli/signals.js';
import { loadConfig } from '../config/load.js';
import { guardProcess } from '../protection/guard-process.js';
import { openKeyRing } from '../protection/live-key-ring.js';
import { startSandboxCodecServer } from './codec-server.js';

/**
 * `node dist/dev/sandbox-codec-server.js PORT UI_PORT NAMESPACE`: the codec server of the sandbox in
 * docker-compose.yml. Its ports are published on loopback alone.
 */
guardProcess();
const [port, uiPort, namespace = 'default'] = process.argv.slice(2);
const { dataKeys } = await loadConfig();
const server = await startSandboxCodecServer({
  keyRing: await openKeyRing(dataKeys),
  host: '0.0.0.0',
  port: Number(port),
  uiPort: Number(uiPort),
  namespace,
});
await untilInterrupted();
await server.close();
