import { z } from 'zod';

const httpError = z.int().min(400).max(599);

const faultSchema = z.discriminatedUnion('kind', [
  /** Answers an error at once; the call is not carried out. */
  z.strictObject({
    kind: z.literal('status'),
    status: httpError,
    /** Sent as `Retry-After`: seconds, or an HTTP date. */
    retryAfter: z.union([z.string(), z.number()]).optional(),
    reason: z.string().optional(),
    /** Default `service`. */
    shape: z.enum(['service', 'gatewayA', 'gatewayB']).optional(),
    recoverable: z.boolean().optional(),
  }),
  /** Carries the call out, then answers an error. */
  z.strictObject({ kind: z.literal('statusAfter'), status: httpError }),
  /** Waits, then carries the call out as usual, even if the caller has gone. */
  z.strictObject({ kind: z.literal('delay'), ms: z.int().min(0) }),
  /** Breaks the connection; the call is not carried out. */
  z.strictObject({ kind: z.literal('dropBefore') }),
  /** Carries the call out, then breaks the connection without an answer. */
  z.strictObject({ kind: z.literal('dropAfter') }),
  /** Answers with the status of success and a body cut off in the middle. */
  z.strictObject({
    kind: z.literal('malformedJson'),
    /** Whether the call is carried out. */
    accepted: z.boolean(),
  }),
  /** Answers an HTML page, as a proxy in between does; the call is not carried out. */
  z.strictObject({ kind: z.literal('html'), status: z.int().min(200).max(599) }),
]);

const operation = z.enum(['enroll', 'status', 'deleteCard', 'deleteProfile']);

/** Checks what `POST /_simulator/faults` is sent. */
export const faultRequestSchema = z.strictObject({
  operation: z.enum([...operation.options, 'any']),
  /** How many calls it meets; default 1. */
  times: z.int().min(1).optional(),
  fault: faultSchema,
});

/** A call of the API. */
export type Operation = z.output<typeof operation>;
/** One way to misbehave. "Carried out" means, for `enroll`, that the batch is accepted if it is valid. */
export type Fault = z.output<typeof faultSchema>;
/** A fault, and the calls that meet it. */
export type FaultRequest = z.output<typeof faultRequestSchema>;

/** Faults in the order they were asked for; each call meets at most one. */
export class FaultQueue {
  private waiting: { operation: FaultRequest['operation']; left: number; fault: Fault }[] = [];

  add({ operation, times = 1, fault }: FaultRequest): void {
    this.waiting.push({ operation, left: times, fault });
  }

  clear(): void {
    this.waiting = [];
  }

  /** The first fault that is meant for this call; it counts as met. */
  take(operation: Operation): Fault | undefined {
    const next = this.waiting.find((entry) => entry.operation === operation || entry.operation === 'any');
    if (!next) return undefined;
    next.left -= 1;
    if (next.left === 0) this.waiting = this.waiting.filter((entry) => entry !== next);
    return next.fault;
  }
}
