import { Client } from '@temporalio/client';
import { defaultPayloadConverter, type PayloadCodec, type PayloadConverter } from '@temporalio/common';

/**
 * A client on the same connection, for looking at workflows of any age and origin: Temporal's own client reads the
 * memo of each with it, and fails where the key of one is gone, or where another program wrote it. This one reads
 * such a memo as nothing.
 */
export function lookingClient(temporal: Client): Client {
  const { connection, options } = temporal;
  const { namespace, identity, loadedDataConverter } = options;
  const dataConverter = {
    ...loadedDataConverter,
    payloadCodecs: loadedDataConverter.payloadCodecs.map(forgivingCodec),
    payloadConverter: forgivingConverter(loadedDataConverter.payloadConverter),
  };
  return new Client({ connection, namespace, identity, dataConverter });
}

function forgivingConverter(converter: PayloadConverter): PayloadConverter {
  return {
    toPayload: (...args) => converter.toPayload(...args),
    fromPayload(payload, context, hint) {
      try {
        return converter.fromPayload(payload, context, hint);
      } catch {
        return null as never;
      }
    },
  };
}

function forgivingCodec(codec: PayloadCodec): PayloadCodec {
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
