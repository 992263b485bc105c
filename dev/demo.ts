import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { detailsText } from '../cli/report.js';
import { readRecords } from '../cli/input/read-records.js';
import { print, progressLine } from '../cli/output.js';
import { progressPrinter } from '../cli/progress.js';
import { untilInterrupted } from '../cli/signals.js';
import { watchUntilClosed } from '../cli/watching.js';
import { EnrollmentClient } from '../client/enrollment-client.js';
import { OUTCOME_STATUSES, type Outcome } from '../enrollment/outcomes.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { guardProcess } from '../protection/guard-process.js';
import { startDevEnvironment } from './dev-environment.js';

/**
 * `npm run demo`: the whole way of one batch against a real Temporal server, the simulator and a
 * worker process, with nothing left running and nothing left behind.
 */
guardProcess();
const options = new Command('demo')
  .option('--keep', 'leave everything running until Ctrl-C')
  .option(
    '--folder <folder>',
    'where keys, store, database and logs go, and stay (default: a temporary folder)',
  )
  .parse()
  .opts<{ keep?: boolean; folder?: string }>();

const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'c2p-demo-')));
const progress = await progressPrinter();
const environment = await startDevEnvironment({
  folder,
  onProgress: progress.line,
}).finally(progress.stop);
try {
  Object.assign(process.env, environment.env);
  await demonstrate();
  if (options.keep) {
    print();
    print('Everything keeps running until Ctrl-C. In another terminal:');
    print(
      `  export C2P_CONFIG=${environment.env.C2P_CONFIG} TEMPORAL_ADDRESS=${environment.env.TEMPORAL_ADDRESS}`,
    );
    print('  npx c2p list');
    await untilInterrupted();
  }
} finally {
  await environment.stop();
  if (options.folder === undefined && !options.keep) await rm(folder, { recursive: true, force: true });
}

async function demonstrate(): Promise<void> {
  const file = fileURLToPath(new URL('../../examples/cards.jsonl', import.meta.url));
  const { records } = await readRecords(file);
  const client = await EnrollmentClient.connect();
  try {
    const batch = await client.enroll({
      externalBatchId: 'demo-0001',
      program: 'demo',
      records: records as EnrollmentRecord[],
    });
    const { uiUrl } = environment.temporal;
    if (uiUrl) {
      print();
      print(`Web UI: ${uiUrl}/namespaces/${environment.temporal.namespace}/workflows`);
    }
    const last = await watchUntilClosed(batch);
    printReport(await batch.outcomes());
    print();
    print(progressLine(last));
    if (uiUrl && !options.keep)
      print('The Web UI was up while this ran; `npm run demo -- --keep` leaves it up.');
  } finally {
    await client.close();
  }
}

/** The report as a person reads it: what was enrolled in one line, each card that was not in one of its own. */
function printReport(outcomes: readonly Outcome[]): void {
  for (const status of OUTCOME_STATUSES) {
    const those = outcomes.filter((outcome) => outcome.status === status);
    if (those.length === 0) continue;
    print();
    print(`${status}: ${those.length}`);
    if (status === 'ENROLLED') continue;
    for (const outcome of those) {
      const { externalConsumerId, externalCardId, reason } = outcome;
      print(
        `  ${`${externalConsumerId} ${externalCardId}`.padEnd(24)} ${reason ?? ''}  ${detailsText(outcome)}`,
      );
    }
  }
}
