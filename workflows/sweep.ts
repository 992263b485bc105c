import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { SweepStoreResult } from '../activities/index.js';
import { onWholeStore } from './activities.js';

/**
 * One sweep of the store, started by the Temporal Schedule that the worker sets up: closes the batches whose
 * workflow ended in Temporal without closing them, and erases what callers left that died before they started theirs.
 */
export async function sweepStore(): Promise<SweepStoreResult> {
  setCurrentDetails('### Sweeping\nLooking for batches that no workflow will close any more.');
  const summary = 'close what no workflow will close any more';
  const result = await onWholeStore({ summary }).sweepStore({});
  setCurrentDetails(describeSweep(result));
  return result;
}

/** What the Web UI shows of a sweep, in Markdown: what it erased, what it left alone, and whether an operator must act. */
function describeSweep(result: SweepStoreResult): string {
  const { graceMs, ended, unknown, elsewhere, erasedBlobs } = result;
  const { keyMissing = 0, resealedBlobs = 0, unreadableBlobs = 0 } = result;
  return [
    `### ${erasedBlobs === 0 ? 'Nothing to erase' : 'Erased cardholder data'}`,
    elsewhere === 0
      ? 'No action needed.'
      : '`c2p sweep` names the batches that are `ELSEWHERE`. Where another namespace shares this store, that is ' +
        'as it should be. Where none has them open, `c2p sweep --erase --elsewhere` erases them.',
    '',
    '| batches closed: ended in Temporal | erased: never started | left alone: elsewhere |',
    '|---|---|---|',
    `| ${ended} | ${unknown} | ${elsewhere} |`,
    '',
    `- swept at ${workflowInfo().startTime.toISOString()}, blobs erased: ${erasedBlobs}`,
    `- not looked at: what was written, or ended, in the ${inWords(graceMs)} before; open batches are never erased`,
    ...(keyMissing > 0
      ? [`- batches that wait for a key: ${keyMissing}; \`c2p keys list\` shows which key is missing`]
      : []),
    ...(resealedBlobs > 0 ? [`- sealed anew under the current key, blobs: ${resealedBlobs}`] : []),
    ...(unreadableBlobs > 0
      ? [`- blobs that do not open: ${unreadableBlobs}; the log of the worker says which and why`]
      : []),
    '- elsewhere: sealed for another namespace, or by a version that did not note for which',
    '- the log of the worker names each batch that was closed or erased; outcomes are kept',
  ].join('\n');
}

function inWords(durationMs: number): string {
  const minutes = Math.round(durationMs / 60_000);
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;
}
