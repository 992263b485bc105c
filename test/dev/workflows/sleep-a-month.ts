import { sleep, upsertSearchAttributes } from '@temporalio/workflow';
import { C2pRecords, C2pStatus } from '../../../workflows/search-attributes.js';

/** Waits thirty days, using a search attribute on the way. @returns how long it was, in milliseconds */
export async function sleepAMonth(): Promise<number> {
  const start = Date.now();
  upsertSearchAttributes([
    { key: C2pStatus, value: 'PROCESSING' },
    { key: C2pRecords, value: 250 },
  ]);
  await sleep('30 days');
  return Date.now() - start;
}
