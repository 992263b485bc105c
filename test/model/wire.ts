import { createHash } from 'node:crypto';
import { GatewayFailure } from '../../mastercard/errors.js';
import type { EnrollmentGateway } from '../../mastercard/gateway.js';
import type { Operation, Simulator } from '../../simulator/index.js';
import type { Result, WatchedRun } from './watched-run.js';

/**
 * The HTTP gateway, with every call written down in the run that it belongs to, and met by the answer
 * that the run has in store for it. The simulator's clock follows Temporal's.
 */
export function watchedGateway(
  gateways: { simulator: EnrollmentGateway; closedPort: EnrollmentGateway },
  simulator: Simulator,
  currentRun: () => WatchedRun | undefined,
): EnrollmentGateway {
  const turns = new Map<Operation, Promise<unknown>>();
  /** Cards are removed side by side: one call of a kind at a time, or another would meet the answer that is meant for it. */
  function inTurn<T>(op: Operation, work: () => Promise<T>): Promise<T> {
    const mine = (turns.get(op) ?? Promise.resolve()).then(work);
    turns.set(
      op,
      mine.catch(() => undefined),
    );
    return mine;
  }

  async function call<T>(
    op: Operation,
    make: (gateway: EnrollmentGateway) => Promise<T>,
    note: (run: WatchedRun, result: T | GatewayFailure) => void,
  ): Promise<T> {
    const run = currentRun();
    // Of a run that was given up: nothing may happen any more.
    if (!run) throw new GatewayFailure({ kind: 'notSent', operation: 'submitBatch' });
    await run.beforeCall(op);
    const [answer, result] = await inTurn(op, async () => {
      const answer = run.troubles.takeAnswer(op);
      const gateway = answer?.how === 'closedPort' ? gateways.closedPort : gateways.simulator;
      if (answer && answer.how !== 'closedPort') simulator.fault({ operation: op, fault: answer.how });
      const result = await make(gateway).catch((error: unknown) => {
        if (error instanceof GatewayFailure) return error;
        throw error;
      });
      return [answer, result] as const;
    });
    run.wasAnswered(op, answer, result instanceof GatewayFailure ? result.kind : 'ok');
    note(run, result);
    if (result instanceof GatewayFailure) throw result;
    return result;
  }

  return {
    submitBatch: (request, options) => {
      currentRun()?.isOffered(request.externalBatchId);
      return call(
        'enroll',
        (gateway) => gateway.submitBatch(request, options),
        (run, receipt) => {
          const { externalBatchId, enrollmentData } = request;
          const sha256 = createHash('sha256').update(enrollmentData).digest('hex');
          const result = resultOf(receipt, ({ batchId }) => ({ batchId }));
          run.saw({ op: 'enroll', externalBatchId, sha256, result });
        },
      );
    },
    fetchBatchStatus: (request, options) =>
      call(
        'status',
        (gateway) => gateway.fetchBatchStatus(request, options),
        (run, report) => {
          const result = resultOf(report, ({ externalBatchId, batchStatus }) => ({
            externalBatchId,
            batchStatus,
          }));
          run.saw({ op: 'status', batchId: request.batchId, result });
        },
      ),
    deleteCard: (request, options) =>
      call(
        'deleteCard',
        (gateway) => gateway.deleteCard(request, options),
        (run, removal) => {
          const result = resultOf(removal, (removal) => ({ removal }));
          run.saw({ op: 'deleteCard', id: request.srcDigitalCardId, result });
        },
      ),
    deleteProfile: (request, options) =>
      call(
        'deleteProfile',
        (gateway) => gateway.deleteProfile(request, options),
        (run, removal) => {
          const result = resultOf(removal, (removal) => ({ removal }));
          run.saw({ op: 'deleteProfile', id: request.srcConsumerId, result });
        },
      ),
    close: () => Promise.resolve(),
  };
}

function resultOf<T, Success extends object>(
  result: T | GatewayFailure,
  success: (result: T) => Success,
): Result<Success> {
  if (result instanceof GatewayFailure) {
    const { kind, reason, batchId, retryAfterMs } = result;
    return { kind, reason, batchId, retryAfterMs };
  }
  return { kind: 'ok', ...success(result) };
}
