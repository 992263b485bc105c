import { Client } from '@temporalio/client';
import { defaultPayloadConverter, type PayloadCodec, type PayloadConverter } from '@temporalio/common';
import { refusalIn } from '../protection/refused-payload.js';

/**
 * A client on the same connection, for looking at workflows of any age and origin: Temporal's own client reads the
 * memo of each with it, and fails where the key of one is gone, or where somebody without the key ring wrote it.
 * This one reads such a memo as nothing.
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
        const value: unknown = converter.fromPayload(payload, context, hint);
        return (refusalIn(value) === undefined ? value : null) as never;
      } catch {
        return null as never;
      }
    },
  };
}

function forgivingCodec(codec: PayloadCodec): PayloadCodec {
  const nothing = defaultPayloadConverter.toPayload(null);
  return {
    encode: (payloads, context) => codec.encode(payloads, context),
    decode: (payloads, context) =>
      Promise.all(
        payloads.map(async (payload) => {
          const [decoded] = await codec.decode([payload], context).catch(() => [nothing]);
          return decoded!;
        }),
      ),
  };
}
