import { Client } from '@temporalio/client';
import { defaultPayloadConverter, type PayloadCodec } from '@temporalio/common';

/**
 * A client on the same connection, for looking at workflows of any age: Temporal's own client reads the
 * memo of each with it, and fails where the key of one is gone. This one reads such a memo as nothing.
 */
export function lookingClient(temporal: Client): Client {
  const { connection, options } = temporal;
  const { namespace, identity, loadedDataConverter } = options;
  const { payloadCodecs } = loadedDataConverter;
  if (payloadCodecs.length === 0) return temporal;
  const dataConverter = { ...loadedDataConverter, payloadCodecs: payloadCodecs.map(forgiving) };
  return new Client({ connection, namespace, identity, dataConverter });
}

function forgiving(codec: PayloadCodec): PayloadCodec {
  const nothing = defaultPayloadConverter.toPayload(null);
  const decodeOne = async (payload: Parameters<PayloadCodec['decode']>[0][number]) => {
    const [decoded] = await codec.decode([payload]).catch(() => [nothing]);
    return decoded!;
  };
  return {
    encode: (payloads) => codec.encode(payloads),
    decode: (payloads) => Promise.all(payloads.map(decodeOne)),
  };
}
