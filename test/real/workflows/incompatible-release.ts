import { sleep } from '@temporalio/workflow';
import { batchEnrollment as released } from '../../../workflows/batch/batch-enrollment.js';

/** The workflow of a release whose author did not think of running batches: it begins with a command that the last one's did not. */
export async function batchEnrollment(...input: Parameters<typeof released>): ReturnType<typeof released> {
  await sleep('1 millisecond');
  return released(...input);
}
