import { setTimeout as delay } from 'node:timers/promises';
import ora from 'ora';
import type { EnrollmentBatch } from '../client/enrollment-batch.js';
import { BatchTerminatedError } from '../client/errors.js';
import { isClosed } from '../enrollment/batch.js';
import type { BatchProgress } from '../workflows/messages.js';
import { note, progressLine } from './output.js';

const REFRESH_MS = 1_000;

/**
 * Shows a batch's progress on stderr until it is closed: live on a terminal, else one line for each
 * change of status.
 * @returns the last progress.
 */
export async function watchUntilClosed(batch: EnrollmentBatch): Promise<BatchProgress> {
  const spinner = process.stderr.isTTY ? ora({ stream: process.stderr }).start() : undefined;
  let shown = '';
  try {
    for (;;) {
      const progress = await batch.progress();
      if (spinner) spinner.text = progressLine(progress);
      else if (progress.status !== shown) note(progressLine(progress));
      shown = progress.status;
      if (isClosed(progress.status)) {
        spinner?.stopAndPersist({ symbol: '■', text: progressLine(progress) });
        return progress;
      }
      const execution = await batch.execution();
      if (execution !== 'RUNNING' && !(await batch.closed()))
        throw new BatchTerminatedError(batch.key, execution);
      await delay(REFRESH_MS);
    }
  } finally {
    spinner?.stop();
  }
}
