/* eslint-disable @typescript-eslint/no-require-imports -- Temporal's SDK loads this file with require, the bundler too */
const { defaultPayloadConverter } = require('@temporalio/common');

const REFUSAL = Symbol.for('c2p refused payload');
const bytesToText = (bytes) => String.fromCharCode(...(bytes ?? []));

/**
 * Of workers and workflows: as Temporal's own, but that reading never throws, since Temporal would repeat a workflow
 * task for ever. What the codec refused, and what cannot be read, is a value that `refusalIn` tells from all others.
 */
exports.payloadConverter = {
  toPayload: (value, ...rest) => defaultPayloadConverter.toPayload(value, ...rest),
  fromPayload(payload, ...rest) {
    if (bytesToText(payload.metadata?.encoding) === 'c2p/refused')
      return { [REFUSAL]: bytesToText(payload.data) };
    try {
      return defaultPayloadConverter.fromPayload(payload, ...rest);
    } catch {
      return { [REFUSAL]: 'malformed' };
    }
  },
};
