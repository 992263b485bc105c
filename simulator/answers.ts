import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from './api-error.js';
import type { Fault } from './faults.js';
import type { Wire } from './wire.js';

/** What goes back over the wire; `dropped`: nothing, the connection is broken. */
export type Answer = { status: number; headers: Record<string, string>; body: string } | 'dropped';

/** The deed of a call: what it changes, and the answer of success. Throws an ApiError to refuse. */
export type Deed = () => { body: object; flowId?: string };

/**
 * Carries a call out, or misbehaves.
 *
 * @param deed called once, or not at all if the fault prevents it
 * @param wire.success the HTTP status of success of this call
 * @param fault the fault that the call meets, if any
 * @param closing ends a delay early when the simulator closes
 */
export async function answerOf(
  deed: Deed,
  wire: Wire & { success: number },
  fault: Fault | undefined,
  closing: AbortSignal,
): Promise<Answer> {
  switch (fault?.kind) {
    case undefined:
      return succeed(deed, wire);
    case 'delay':
      try {
        await sleep(fault.ms, undefined, { signal: closing });
      } catch {
        return 'dropped';
      }
      return succeed(deed, wire);
    case 'status': {
      const { status, reason, shape, recoverable, retryAfter } = fault;
      const error = new ApiError(status, {
        reason,
        shape,
        recoverable,
        message: 'A fault that was asked for',
      });
      return refusal(wire, error, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) });
    }
    case 'statusAfter':
      carryOut(deed);
      return refusal(wire, new ApiError(fault.status, { message: 'A fault that was asked for' }));
    case 'dropBefore':
      return 'dropped';
    case 'dropAfter':
      carryOut(deed);
      return 'dropped';
    case 'malformedJson':
      if (fault.accepted) carryOut(deed);
      return { status: wire.success, headers: JSON_TYPE, body: '{"batchId":"' };
    case 'html':
      return {
        status: fault.status,
        headers: { 'content-type': 'text/html; charset=utf-8' },
        body: '<!doctype html><html><body><h1>Bad Gateway</h1></body></html>',
      };
  }
}

/** @param error anything else than an ApiError is a defect of the simulator and thrown again */
export function refusal(
  wire: Wire,
  error: unknown,
  headers: Record<string, string> = {},
): Exclude<Answer, 'dropped'> {
  if (!(error instanceof ApiError)) throw error;
  return {
    status: error.statusOn(wire),
    headers: { ...JSON_TYPE, ...headers },
    body: JSON.stringify(error.bodyOn(wire)),
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

function succeed(deed: Deed, { success: status, headers: names }: Wire & { success: number }): Answer {
  const { body, flowId } = deed();
  const headers = { ...JSON_TYPE, ...(flowId !== undefined && { [names.flowId]: flowId }) };
  return { status, headers, body: JSON.stringify(body) };
}

/** For faults that hide the answer, a refusal too. */
function carryOut(deed: Deed): void {
  try {
    deed();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}
