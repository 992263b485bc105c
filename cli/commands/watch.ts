import { Command, InvalidArgumentError, Option } from 'commander';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import type { EnrollmentClient } from '../../client/enrollment-client.js';
import { OPEN_STATUSES, type OpenStatus } from '../../enrollment/batch.js';
import { example } from '../help.js';
import { exitCodeOf, ExitCode, worstOf } from '../exit-codes.js';
import { note, print, printJson, progressLine } from '../output.js';
import { terminal } from '../terminal.js';
import type { WatchedBatch } from '../watch-view.js';
import { watchAll } from '../watching.js';
import { withClient } from '../with-client.js';

interface WatchOptions {
  all?: boolean;
  status?: OpenStatus;
  program?: string;
  json?: boolean;
}

export const watchCommand = new Command('watch')
  .description('follow batches until each is closed')
  .argument('[ids...]', 'externalBatchIds')
  .option('--all', 'follow every batch that is open now')
  .addOption(
    new Option('--status <status>', 'follow every batch that is in this status now').choices(OPEN_STATUSES),
  )
  .option('-p, --program <program>', 'only batches of this program')
  .option('--json', 'print one JSON document at the end: of one ID its progress, else a list')
  .addHelpText(
    'after',
    example(
      'c2p watch 2026-11-debit-0001 2026-11-debit-0002',
      'Exits with how the batch ended; of several, with the first of 1, 4, 5, 3 and 0 that any of them ended',
      'with. 1 means: a batch was terminated directly in Temporal. Ctrl-C ends the watching, not the batches.',
      'At most ten batches are asked a second, so that a hundred are brought up to date every ten seconds.',
    ),
  )
  .action(async (ids: string[], options: WatchOptions) => {
    const fromList = options.all === true || options.status !== undefined;
    if (ids.length > 0 === fromList)
      throw new InvalidArgumentError('give the ids of batches, or --all or --status.');
    terminal().exitCode = await withClient(async (client) => {
      const batches = await (fromList ? openBatches(client, options) : findAll(client, ids, options.program));
      if (batches.length === 0) note('no batches');
      const watched = await watchAll(batches, commandLine(ids, options));
      if (ids.length === 1) return tellOne(watched[0]!, options);
      const seen = watched.map(({ progress }) => progress);
      if (options.json) printJson(seen);
      else seen.forEach(printProgress);
      return worstOf(watched.map(exitCodeOfWatched));
    });
  });

/** @throws BatchNotFoundError, BatchAmbiguousError before any of them is watched. */
async function findAll(
  client: EnrollmentClient,
  ids: readonly string[],
  program: string | undefined,
): Promise<EnrollmentBatch[]> {
  const found: EnrollmentBatch[] = [];
  for (const id of new Set(ids)) found.push(await client.find(id, program));
  return found;
}

async function openBatches(
  client: EnrollmentClient,
  { status, program }: WatchOptions,
): Promise<EnrollmentBatch[]> {
  const open: EnrollmentBatch[] = [];
  for await (const batch of client.list({ status, program })) {
    // The list begins with those that are open.
    if (batch.closedAt !== undefined) break;
    const { externalBatchId, program } = batch;
    if (client.hasProgram(program)) open.push(client.batch(externalBatchId, program));
    else
      note(
        `left out: batch ${externalBatchId} of program '${program}', which this configuration does not have`,
      );
  }
  return open;
}

function tellOne({ progress, terminated }: WatchedBatch, { json }: WatchOptions): ExitCode {
  if (terminated) throw terminated;
  if (json) printJson(progress);
  else printProgress(progress);
  return exitCodeOf(progress.status);
}

function printProgress(progress: WatchedBatch['progress']): void {
  print(`batch ${progress.externalBatchId} of program ${progress.program}: ${progressLine(progress)}`);
}

function exitCodeOfWatched({ progress, terminated }: WatchedBatch): ExitCode {
  return terminated ? ExitCode.unexpected : exitCodeOf(progress.status);
}

/** The command that does the same again. */
function commandLine(ids: readonly string[], { all, status, program, json }: WatchOptions): string {
  return [
    'c2p watch',
    ...ids,
    ...(all ? ['--all'] : []),
    ...(status ? [`--status ${status}`] : []),
    ...(program ? [`--program ${program}`] : []),
    ...(json ? ['--json'] : []),
  ].join(' ');
}
