import { expect, vi } from 'vitest';
import type { BatchProgress } from '../../workflows/batch/messages.js';
import type { RealSite } from '../support/real-environment.js';
import { c2p, c2pProcess } from './command-line.js';

/** For what a worker and Temporal do by themselves, in real time. */
export const WAITS = { timeout: 20_000 };

/** What an operator does with the command at a site, which is there once the tests run. */
export function operatorAt(site: () => RealSite) {
  const run = (...args: string[]) => c2p(args, site().env);
  const runProcess = (...args: string[]) => c2pProcess(args, site().env);
  const progressOf = async (id: string) =>
    JSON.parse((await run('status', id, '--json')).stdout) as BatchProgress;
  /** Until `c2p status --json` says that the batch waits for an operator. */
  const untilAwaitingOperator = (id: string) =>
    vi.waitFor(async () => {
      const progress = await progressOf(id);
      expect(progress.status).toBe('AWAITING_OPERATOR');
      return progress;
    }, WAITS);
  return { run, runProcess, progressOf, untilAwaitingOperator };
}
