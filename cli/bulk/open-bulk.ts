import type { BulkEnrollment, BulkView } from '../../client/bulk-enrollment.js';
import { ExitCode } from '../exit-codes.js';
import { note } from '../output.js';
import { terminal } from '../terminal.js';
import { withClient } from '../with-client.js';

/**
 * Does something to a job that is open and that a worker answers for: without one nobody would take a
 * change, however long we wait. Says so where that is not the case.
 * @param work gives the exit code, or nothing where all went well.
 */
export async function withOpenBulk(
  id: string,
  program: string | undefined,
  work: (bulk: BulkEnrollment, progress: BulkView) => Promise<ExitCode | void>,
): Promise<void> {
  terminal().exitCode = await withClient(async (client) => {
    const bulk = await client.findBulk(id, program);
    const closed = await bulk.closed();
    if (closed) {
      note(`bulk job ${id} is already closed: ${closed.result.status}`);
      return ExitCode.ok;
    }
    const progress = await bulk.progress();
    if (progress.limits === undefined) {
      note(`c2p: bulk job ${id} cannot be changed: ${progress.error}`);
      return ExitCode.unexpected;
    }
    return (await work(bulk, progress)) ?? ExitCode.ok;
  });
}
