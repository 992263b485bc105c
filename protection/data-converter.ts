import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { KeyRingSource } from './key-ring.js';
import { EncryptingPayloadCodec } from './payload-codec.js';

/** For the bundle of the workflows, which must have the same failure converter as clients and workers. */
export const FAILURE_CONVERTER_PATH = fileURLToPath(new URL('./failure-converter.cjs', import.meta.url));
/** For workers and for the bundle of the workflows. */
export const PAYLOAD_CONVERTER_PATH = fileURLToPath(new URL('./payload-converter.cjs', import.meta.url));

/** A data converter with c2p's own codec. */
export type ProtectedDataConverter = DataConverter & { payloadCodecs: [EncryptingPayloadCodec] };

/**
 * How clients write and read payloads and failures: encrypted under the key ring, and bound to the workflow. What was
 * not written so throws a `PayloadCodecError`.
 * @param options.codec whether to encrypt; a whole deployment does, or does not.
 */
export function protectedDataConverter(
  keyRing: KeyRingSource,
  { codec }: { codec: boolean } = { codec: true },
): ProtectedDataConverter {
  return converterWith(new EncryptingPayloadCodec(keyRing, { encrypts: codec }));
}

/**
 * As `protectedDataConverter`, for workers and replays: what was not written so becomes a value that is refused where
 * it is used.
 * @param options.namespace of the histories of a replay, since the SDK does not know it then.
 */
export function workerDataConverter(
  keyRing: KeyRingSource,
  { codec, namespace }: { codec: boolean; namespace?: string } = { codec: true },
): ProtectedDataConverter {
  return {
    ...converterWith(new EncryptingPayloadCodec(keyRing, { encrypts: codec, refusals: 'mark', namespace })),
    payloadConverterPath: PAYLOAD_CONVERTER_PATH,
  };
}

function converterWith(codec: EncryptingPayloadCodec): ProtectedDataConverter {
  return { failureConverterPath: FAILURE_CONVERTER_PATH, payloadCodecs: [codec] };
}
