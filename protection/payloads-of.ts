import type { Payload } from '@temporalio/common';

/**
 * Every payload in a message of Temporal's API (a history, a description, …), however deep, by reference.
 * Not those of search attributes: Temporal reads them itself, so they are never encrypted.
 */
export function payloadsOf(message: unknown): Payload[] {
  const found: Payload[] = [];
  gather(message, found);
  return found;
}

function gather(message: unknown, found: Payload[]): void {
  if (typeof message !== 'object' || message === null || ArrayBuffer.isView(message)) return;
  if (isPayload(message)) {
    found.push(message);
    return;
  }
  for (const [name, value] of Object.entries(message) as [string, unknown][])
    if (name !== 'searchAttributes') gather(value, found);
}

/** No other message of the API has metadata that are bytes by name. */
function isPayload(message: object): message is Payload {
  const { metadata } = message as { metadata?: unknown };
  if (typeof metadata !== 'object' || metadata === null) return false;
  return (metadata as Record<string, unknown>)['encoding'] instanceof Uint8Array;
}
