import { proxyActivities, setCurrentDetails, workflowInfo, type ActivityOptions } from '@temporalio/workflow';
import type { LocalActivities, SweepStoreInput, SweepStoreResult } from '../activities/index.js';

const SWEEP: ActivityOptions = {
  // A store of a million batches takes minutes.
  startToCloseTimeout: '6h',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
};

const local = proxyActivities<LocalActivities>(SWEEP);

/**
 * One sweep of the store, started by the Temporal Schedule that the worker sets up: erases the cardholder
 * data of batches whose workflow was ended from outside, or never started.
 */
export async function sweepStore(input: SweepStoreInput): Promise<SweepStoreResult> {
  setCurrentDetails('### Sweeping\nLooking for cardholder data that no workflow will erase any more.');
  const summary = `batches left alone for ${inHours(input.graceMs)}`;
  const result = await local.sweepStore.executeWithOptions({ ...SWEEP, summary }, [input]);
  setCurrentDetails(describeSweep(input, result));
  return result;
}

/** What the Web UI shows of a sweep, in Markdown: what it erased, what it left alone and why, what is expected of whom. */
function describeSweep({ graceMs }: SweepStoreInput, result: SweepStoreResult): string {
  const { ended, unknown, elsewhere, erasedBlobs } = result;
  return [
    `### ${erasedBlobs === 0 ? 'Nothing to erase' : 'Erased cardholder data'}`,
    elsewhere === 0
      ? 'Nothing is expected of anybody.'
      : '**An operator is expected**: `c2p sweep` names the batches that are `ELSEWHERE`. Make sure that no ' +
        'namespace has them open, then `c2p sweep --erase --elsewhere` erases them.',
    '',
    '| batches erased: ended from outside | never started | left alone: elsewhere |',
    '|---|---|---|',
    `| ${ended} | ${unknown} | ${elsewhere} |`,
    '',
    `- swept at ${workflowInfo().startTime.toISOString()}, blobs erased: ${erasedBlobs}`,
    `- not looked at: what was written, or ended, in the ${inHours(graceMs)} before; open batches are never erased`,
    '- elsewhere: sealed for another namespace, or by a version that did not note for which',
    '- the log of the worker names each batch that was erased; its outcomes are kept',
  ].join('\n');
}

function inHours(durationMs: number): string {
  return `${Number((durationMs / 3_600_000).toFixed(2))} h`;
}
