import type { Payload } from '@temporalio/common';

/**
 * Every payload in a message of Temporal's API (a history, a description, …), however deep, by reference.
 * Not those of search attributes: Temporal reads them itself, so they are never encrypted.
 */
export function payloadsOf(message: unknown): Payload[] {
  if (typeof message !== 'object' || message === null || ArrayBuffer.isView(message)) return [];
  if (isPayload(message)) return [message];
  return Object.entries(message).flatMap(([name, value]: [string, unknown]) =>
    name === 'searchAttributes' ? [] : payloadsOf(value),
  );
}

/** No other message of the API has metadata that are bytes by name. */
function isPayload(message: object): message is Payload {
  const { metadata } = message as { metadata?: unknown };
  if (typeof metadata !== 'object' || metadata === null) return false;
  return (metadata as Record<string, unknown>)['encoding'] instanceof Uint8Array;
}
