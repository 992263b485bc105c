import { isDeepStrictEqual } from 'node:util';
import {
  ScheduleAlreadyRunning,
  ScheduleClient,
  ScheduleNotFoundError,
  type ScheduleClientOptions,
  type ScheduleDescription,
  type ScheduleHandle,
  type ScheduleOptionsStartWorkflowAction,
  type ScheduleSpec,
} from '@temporalio/client';
import type { Logger } from 'pino';
import type { C2pConfig, SweepConfig } from '../config/config.js';
import type { sweepStore } from '../workflows/index.js';

/** A sweep that came too late for this is left to the next one. */
const CATCHUP_WINDOW_MS = 60_000;

/** A sweep that cannot end, for instance because the version that began it is gone, must not hold up the next. */
const EXECUTION_TIMEOUT_MS = 24 * 3_600_000;

const ATTEMPTS = 3;

/** Where the schedule is. */
export interface SchedulePlace {
  connection: NonNullable<ScheduleClientOptions['connection']>;
  namespace: string;
}

export type ScheduleChange = 'created' | 'updated' | 'unchanged' | 'deleted' | 'absent';

/** The id of the sweep's schedule, and the beginning of the ids of its workflows. */
export function sweepScheduleId(taskQueue: string): string {
  return `c2p-sweep/${taskQueue}`;
}

/**
 * Makes the Temporal Schedule of the sweep what the configuration says: there, as configured, or not
 * there. Idempotent, and safe when several workers start at once. A schedule that an operator paused
 * stays paused. Its workflows have no arguments: what a schedule starts runs under another id than the arguments would
 * be encrypted for.
 *
 * @throws ServiceError where the worker may not, or Temporal does not answer.
 */
export async function ensureSweepSchedule(
  place: SchedulePlace,
  { taskQueue, sweep }: Pick<C2pConfig, 'taskQueue' | 'sweep'>,
): Promise<ScheduleChange> {
  const scheduleId = sweepScheduleId(taskQueue);
  const schedules = new ScheduleClient(place);
  const handle = schedules.getHandle(scheduleId);
  if (sweep === false) {
    if (!(await found(handle))) return 'absent';
    await handle.delete();
    return 'deleted';
  }
  const wanted = {
    spec: { intervals: [{ every: sweep.every }], jitter: jitterOf(sweep) } satisfies ScheduleSpec,
    action: {
      type: 'startWorkflow',
      workflowType: 'sweepStore',
      workflowId: scheduleId,
      taskQueue,
      workflowExecutionTimeout: EXECUTION_TIMEOUT_MS,
    } satisfies ScheduleOptionsStartWorkflowAction<typeof sweepStore>,
    policies: { overlap: 'SKIP', catchupWindow: CATCHUP_WINDOW_MS, pauseOnFailure: false } as const,
  };
  for (let attempt = 1; ; attempt += 1) {
    const current = await found(handle);
    if (current) {
      if (isDeepStrictEqual(settingsOf(current), settingsOf(wanted))) return 'unchanged';
      await handle.update(({ state }) => ({ ...wanted, state }));
      return 'updated';
    }
    try {
      await schedules.create({ ...wanted, scheduleId });
      return 'created';
    } catch (error) {
      // Another worker was quicker: look again at what is there.
      if (!(error instanceof ScheduleAlreadyRunning) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function found(handle: ScheduleHandle): Promise<ScheduleDescription | undefined> {
  try {
    return await handle.describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/** Not every deployment at the full hour. */
function jitterOf({ every }: SweepConfig): number {
  return Math.round(every / 10);
}

type Settings = Pick<ScheduleDescription, 'action' | 'policies'> & {
  spec: { intervals?: { every: unknown }[]; jitter?: unknown };
};

/** What of a schedule is ours to set, in one form whether wanted or found. */
function settingsOf({ spec, action, policies }: Settings) {
  const { workflowType, workflowId, taskQueue, args = [], workflowExecutionTimeout: timeout } = action;
  const every = (spec.intervals ?? []).map((interval) => interval.every);
  return { every, jitter: spec.jitter, workflowType, workflowId, taskQueue, args, timeout, policies };
}

/** As `ensureSweepSchedule`, for a worker that starts: what fails is logged with what to do, since batches do not need the sweep. */
export async function scheduleSweep(
  place: SchedulePlace,
  config: Pick<C2pConfig, 'taskQueue' | 'sweep'>,
  logger: Pick<Logger, 'info' | 'warn'>,
): Promise<void> {
  try {
    const schedule = await ensureSweepSchedule(place, config);
    logger.info({ schedule, id: sweepScheduleId(config.taskQueue) }, 'sweep');
  } catch (error) {
    logger.warn({ err: error }, instructions(place.namespace, config));
  }
}

function instructions(
  namespace: string,
  { taskQueue, sweep }: Pick<C2pConfig, 'taskQueue' | 'sweep'>,
): string {
  const id = sweepScheduleId(taskQueue);
  if (sweep === false) {
    return (
      `the sweep is switched off, but its schedule could not be removed. If there is one, have an administrator run:\n` +
      `  temporal schedule delete --namespace ${namespace} --schedule-id ${id}`
    );
  }
  return (
    'the sweep could not be scheduled: cardholder data of batches that are terminated directly in Temporal stays in the ' +
    'store. Have an administrator run once:\n' +
    `  temporal schedule create --namespace ${namespace} --schedule-id ${id} ` +
    `--interval ${sweep.every}ms --jitter ${jitterOf(sweep)}ms --catchup-window ${CATCHUP_WINDOW_MS}ms ` +
    `--overlap-policy Skip --type sweepStore --workflow-id ${id} --task-queue ${taskQueue} ` +
    `--execution-timeout ${EXECUTION_TIMEOUT_MS}ms\n` +
    'or set sweep to false, and run c2p sweep --erase from time to time.'
  );
}
