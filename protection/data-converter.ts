import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { KeyRingSource } from './key-ring.js';
import { EncryptingPayloadCodec } from './payload-codec.js';

/** For the bundle of the workflows, which must have the same failure converter as clients and workers. */
export const FAILURE_CONVERTER_PATH = fileURLToPath(new URL('./failure-converter.cjs', import.meta.url));

/** A data converter with c2p's own codec. */
export type ProtectedDataConverter = DataConverter & { payloadCodecs: [EncryptingPayloadCodec] };

/**
 * How everything of c2p that talks to Temporal (clients, workers, schedules, replays) writes and reads
 * payloads and failures: encrypted under the key ring.
 * @param options.codec whether to encrypt; what is encrypted is read either way.
 */
export function protectedDataConverter(
  keyRing: KeyRingSource,
  { codec }: { codec: boolean } = { codec: true },
): ProtectedDataConverter {
  return {
    failureConverterPath: FAILURE_CONVERTER_PATH,
    payloadCodecs: [new EncryptingPayloadCodec(keyRing, { encrypts: codec })],
  };
}
