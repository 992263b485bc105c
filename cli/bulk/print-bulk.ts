import type { BulkView } from '../../client/bulk-enrollment.js';
import { print, printJson } from '../output.js';
import { bulkLine } from './progress-line.js';

/** The result of a command about one job, for machines or for people. */
export function printBulk(progress: BulkView, { json }: { json?: boolean | undefined }): void {
  if (json) return printJson(progress);
  print(`bulk job ${progress.bulkId} of program ${progress.program}: ${bulkLine(progress)}`);
  for (const reason of progress.reasons) if (!progress.error?.includes(reason)) print(`  ${reason}`);
}
