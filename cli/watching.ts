import { setTimeout as delay } from 'node:timers/promises';
import type { EnrollmentBatch } from '../client/enrollment-batch.js';
import { BatchTerminatedError } from '../client/errors.js';
import { isClosed } from '../enrollment/batch.js';
import type { BatchProgress } from '../workflows/messages.js';
import { ExitCode } from './exit-codes.js';
import { note, progressLine } from './output.js';
import { spinnerOn } from './progress.js';

const REFRESH_MS = 1_000;

/**
 * Shows a batch's progress on stderr until it is closed: live on a terminal, else one line for each
 * change of its status, its counts, or what holds it up. Ctrl-C ends this process, not the batch.
 *
 * @returns the last progress.
 * @throws BatchTerminatedError when the batch was ended from outside.
 */
export async function watchUntilClosed(batch: EnrollmentBatch): Promise<BatchProgress> {
  // With a batch at hand its module is loaded; commands that need no client must not load it.
  const { throughOutages } = await import('../client/outage.js');
  const spinner = await spinnerOn(process.stderr);
  const interrupted = () => {
    spinner?.stop();
    note(`the batch goes on without you; follow it again with: c2p watch ${batch.externalBatchId}`);
    process.exit(ExitCode.interrupted);
  };
  process.once('SIGINT', interrupted);
  spinner?.start('…');
  let shown = '';
  try {
    for (;;) {
      const progress = await throughOutages(() => batch.progress());
      const { status, counts, error } = progress;
      const seen = JSON.stringify([status, counts, error]);
      if (spinner) spinner.text = progressLine(progress);
      else if (seen !== shown) note(progressLine(progress));
      shown = seen;
      if (isClosed(status)) return progress;
      await throughOutages(() => checkStillRuns(batch));
      await delay(REFRESH_MS);
    }
  } finally {
    process.off('SIGINT', interrupted);
    spinner?.stop();
  }
}

/**
 * An open batch whose workflow does not run any more will never be closed.
 * @throws BatchTerminatedError.
 */
export async function checkStillRuns(batch: EnrollmentBatch): Promise<void> {
  const execution = await batch.execution();
  if (execution !== 'RUNNING' && !(await batch.closed()))
    throw new BatchTerminatedError(batch.key, execution);
}
