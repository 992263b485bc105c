import {
  ActivityFailure,
  ApplicationFailure,
  log,
  proxyActivities,
  sleep,
  uuid4,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { Answer, Answering, GatewayActivities, LocalActivities } from '../activities/index.js';
import { gatewayTaskQueue } from '../enrollment/identifiers.js';
import { NoReport } from './failures.js';

/**
 * How activities are called, by what may be repeated. Each group is a set of options; what a call says of itself
 * (`summary`) is beside it in the Web UI.
 */

/** Store and processor: idempotent, so Temporal retries until it works; what waiting cannot mend is not retried. */
const STORE: ActivityOptions = {
  startToCloseTimeout: '20s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1 minute' },
};

/** Work on many batches at a time. */
const MANY: ActivityOptions = { ...STORE, startToCloseTimeout: '5 minutes' };

/** A store of a million batches takes hours. */
const WHOLE_STORE: ActivityOptions = {
  startToCloseTimeout: '6h',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
};

/** A compressed source has to be read from its beginning to where a page begins. */
const READING: ActivityOptions = {
  ...STORE,
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '30s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

/** A call to Mastercard has 30 s; this is the net under it. Heartbeats show a dead worker sooner. */
const GATEWAY: ActivityOptions = {
  startToCloseTimeout: '90s',
  heartbeatTimeout: '10s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

/** A GET: Temporal retries it until it is answered, or the time is up. */
const STATUS: ActivityOptions = {
  ...GATEWAY,
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
};

/** A deletion is safe to repeat; what fails so often is an operator's decision. */
const REMOVAL: ActivityOptions = {
  ...GATEWAY,
  retry: { initialInterval: '2s', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 6 },
};

type Call = { summary: string };

export function onStore({ summary }: Call) {
  return calling<LocalActivities>({ ...STORE, summary });
}

export function onManyBatches({ summary }: Call) {
  return calling<LocalActivities>({ ...MANY, summary });
}

export function onWholeStore({ summary }: Call) {
  return calling<LocalActivities>({ ...WHOLE_STORE, summary });
}

export function onSource({ summary }: Call) {
  return calling<LocalActivities>({ ...READING, summary });
}

/** One attempt: whether another is safe depends on how it failed, and is the workflow's decision. */
export function offering(program: string, { summary }: Call) {
  return callingOnce<GatewayActivities>({
    ...GATEWAY,
    taskQueue: queueOf(program),
    retry: { maximumAttempts: 1 },
    summary,
  });
}

/** @param giveUpAfter milliseconds for all attempts together. */
export function asking(program: string, { summary, giveUpAfter }: Call & { giveUpAfter: number }) {
  return calling<GatewayActivities>({
    ...STATUS,
    taskQueue: queueOf(program),
    scheduleToCloseTimeout: giveUpAfter,
    summary,
  });
}

export function removing(program: string, { summary }: Call) {
  return calling<GatewayActivities>({ ...REMOVAL, taskQueue: queueOf(program), summary });
}

/** The program's own task queue, rate-limited across all workers. */
function queueOf(program: string): string {
  return gatewayTaskQueue(workflowInfo().taskQueue, program);
}

/** Somebody who reports in the place of our workers may do so again at once. */
const CALLED_AGAIN_AFTER = '1 minute';

/**
 * Activities as functions of their input. A report or a failure that does not answer the call is ignored: work that
 * may be repeated is called again.
 */
function calling<All extends object>(options: ActivityOptions): All {
  return through<All>(options, async (once) => {
    for (;;) {
      const answer = await once();
      if (answer !== NO_REPORT) return answer;
      log.warn('ignored a report of an activity that does not answer its call');
      await sleep(CALLED_AGAIN_AFTER, { summary: 'a report was not from our workers: call again' });
    }
  });
}

/** As `calling`, for work of which it matters whether it was done. @throws NoReport */
function callingOnce<All extends object>(options: ActivityOptions): All {
  return through<All>(options, async (once) => {
    const answer = await once();
    if (answer === NO_REPORT) throw new NoReport();
    return answer;
  });
}

const NO_REPORT = Symbol('no report');

type Caller = (once: () => Promise<unknown>) => Promise<unknown>;

function through<All extends object>(options: ActivityOptions, caller: Caller): All {
  const activities =
    proxyActivities<Answering<Record<string, (input: unknown) => Promise<unknown>>>>(options);
  return new Proxy({} as All, {
    get: (_, name: string) => (input: unknown) =>
      caller(async () => {
        // uuid4() is deterministic and not cryptographically secure: the name need only differ from all others.
        const call = uuid4();
        try {
          const report = (await activities[name]!({ call, input })) as
            Partial<Answer<unknown>> | null | undefined;
          return report?.call === call ? report.result : NO_REPORT;
        } catch (error) {
          if (isForged(error, call)) return NO_REPORT;
          throw error;
        }
      }),
  });
}

/** A failure of an activity of ours names the call; time limits and cancellations are Temporal's own. */
function isForged(error: unknown, call: string): boolean {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) return false;
  return error.cause.details?.[0] !== call;
}
