import type { EnrollmentBatch } from '../client/enrollment-batch.js';
import type { EnrollmentClient } from '../client/enrollment-client.js';
import type { BatchProgress } from '../workflows/batch/messages.js';
import { ExitCode } from './exit-codes.js';
import { note } from './output.js';
import { terminal } from './terminal.js';
import { withClient } from './with-client.js';

/**
 * Does something to a batch that is open and that a worker answers for: without one nobody would take
 * a change, however long we wait. Says so where that is not the case.
 */
export async function withOpenBatch(
  id: string,
  program: string | undefined,
  work: (batch: EnrollmentBatch, progress: BatchProgress, client: EnrollmentClient) => Promise<void>,
): Promise<void> {
  terminal().exitCode = await withClient(async (client) => {
    const batch = await client.find(id, program);
    const closed = await batch.closed();
    if (closed) {
      note(`batch ${id} is already closed: ${closed.result.status}`);
      return ExitCode.ok;
    }
    const progress = await batch.progress();
    if (progress.round === undefined) {
      note(`c2p: batch ${id} cannot be changed: ${progress.error}`);
      return ExitCode.unexpected;
    }
    await work(batch, progress, client);
    return ExitCode.ok;
  });
}
