import type { C2pConfig } from '../config/config.js';
import { gatewayTaskQueue } from '../enrollment/identifiers.js';
import { pollersOf } from '../worker/pollers.js';
import { findings, type Finding } from './finding.js';
import type { TemporalPlace } from './temporal.js';

/** A worker asks again at the latest when its long poll of a minute ends. */
const SILENT_MS = 90_000;

/** Whether workers poll the task queues: for workflows and local work, and for each program's calls to Mastercard. */
export async function checkTaskQueues(
  place: TemporalPlace,
  { taskQueue }: Pick<C2pConfig, 'taskQueue'>,
  programs: readonly string[],
  now = new Date(),
): Promise<Finding[]> {
  const found = [await checkTaskQueue(place, taskQueue, ['workflow', 'activity'], now)];
  for (const program of programs)
    found.push(await checkTaskQueue(place, gatewayTaskQueue(taskQueue, program), ['activity'], now, program));
  return found;
}

async function checkTaskQueue(
  place: TemporalPlace,
  name: string,
  kinds: readonly ('workflow' | 'activity')[],
  now: Date,
  program?: string,
): Promise<Finding> {
  const { ok, warning, failed } = findings('task-queue', program);
  const identities = new Set<string>();
  let last = Infinity;
  for (const kind of kinds) {
    const pollers = await pollersOf(place, name, kind);
    if (pollers.length === 0) {
      const todo = `start c2p worker${program === undefined ? '' : ` with program '${program}' in its configuration`}`;
      return failed(
        `no worker polls '${name}' for ${kind === 'workflow' ? 'workflows' : 'activities'}`,
        todo,
      );
    }
    last = Math.min(last, Math.max(...pollers.map(({ polledAt }) => polledAt)));
    for (const { identity } of pollers) identities.add(identity);
  }
  const count = `${identities.size} worker${identities.size === 1 ? '' : 's'}`;
  const seconds = Math.max(0, Math.round((now.getTime() - last) / 1000));
  if (seconds * 1000 > SILENT_MS)
    return warning(`'${name}' was polled last ${seconds} s ago, by ${count}`, 'is c2p worker still running?');
  return ok(`${count} polled '${name}', last ${seconds} s ago`);
}
