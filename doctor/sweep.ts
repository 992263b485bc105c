import { tsToMs } from '@temporalio/common/lib/time.js';
import type { C2pConfig } from '../config/config.js';
import { sweepScheduleId } from '../worker/sweep-schedule.js';
import { findings, type Finding } from './finding.js';
import { codeOf, Grpc } from './grpc.js';
import type { TemporalPlace } from './temporal.js';

/** Whether the sweep is scheduled. Asked for as it is: nothing of it needs to be decoded. */
export async function checkSweep(
  { connection, namespace }: TemporalPlace,
  { taskQueue, sweep }: Pick<C2pConfig, 'taskQueue' | 'sweep'>,
): Promise<Finding> {
  const { ok, warning } = findings('sweep');
  const scheduleId = sweepScheduleId(taskQueue);
  const restart = 'restart a worker: it sees to that, or says in its log what an administrator has to run';
  let found: Awaited<ReturnType<typeof connection.workflowService.describeSchedule>>;
  try {
    found = await connection.workflowService.describeSchedule({ namespace, scheduleId });
  } catch (error) {
    if (codeOf(error) !== Grpc.notFound) throw error;
    if (sweep === false) return ok('is switched off: run c2p sweep --erase from time to time');
    return warning(`there is no schedule '${scheduleId}'`, restart);
  }
  if (sweep === false) return warning(`is switched off, but there is a schedule '${scheduleId}'`, restart);
  if (found.schedule?.state?.paused) {
    const resume = `to resume it: temporal schedule toggle --unpause --namespace ${namespace} --schedule-id ${scheduleId}`;
    return warning(`'${scheduleId}' is paused: ${found.schedule.state.notes || 'no note says why'}`, resume);
  }
  const next = found.info?.futureActionTimes?.[0];
  return ok(`'${scheduleId}'${next ? `, next at ${new Date(tsToMs(next)).toISOString()}` : ''}`);
}
