import { answersTo } from '../enrollment/questions.js';
import type { BatchProgress } from '../workflows/batch/messages.js';
import { printable, printableJson, printableLine } from '../protection/printable.js';
import { terminal } from './terminal.js';

/** The command's result, for machines: one JSON document on stdout and nothing else there. */
export function printJson(value: unknown): void {
  terminal().stdout.write(`${printableJson(JSON.stringify(value, null, 2))}\n`);
}

/** The command's result, for people: one line. */
export function print(line = ''): void {
  terminal().stdout.write(`${printableLine(line)}\n`);
}

/** The reader of our output may have had enough of it (`c2p report … | head`): then we have, too. */
export function endQuietlyWithoutReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
  }
}

/** Progress, remarks and errors, which may have several lines: never mixed with the result. */
export function note(text: string): void {
  terminal().stderr.write(`${printable(text)}\n`);
}

/** One line that says where a batch is and what comes next. */
export function progressLine(progress: BatchProgress, now = Date.now()): string {
  return progressParts(progress, now).join(' · ');
}

/** What `progressLine` consists of: first the status, then the counts, what comes next, and what is wrong. */
export function progressParts(progress: BatchProgress, now = Date.now()): string[] {
  const { status, counts, submission, polling, nextPollAt, nextRoundAt, error } = progress;
  const next = nextPollAt ?? nextRoundAt ?? submission?.nextAttemptAt;
  const what = nextPollAt ? 'poll' : nextRoundAt ? 'round' : 'attempt';
  const action = actionNeeded(progress);
  return [
    status,
    countsLine(counts),
    ...(polling?.polls ? [counted(polling.polls, 'poll')] : []),
    ...(next ? [`next ${what} in ${secondsUntil(next, now)} s`] : []),
    ...(action ? [`ACTION NEEDED: run ${action}`] : []),
    ...(error ? [error] : []),
  ];
}

/** The command that an operator must run, and how others end; none when the batch needs no operator, or no worker says what for. */
function actionNeeded({ question, externalBatchId: id }: BatchProgress): string | undefined {
  if (question === undefined) return undefined;
  const [usual, ...others] = answersTo(question, id);
  const same = `c2p resolve ${id} `;
  const or = others.map(({ command }) =>
    usual.command.startsWith(same) && command.startsWith(same) ? command.slice(same.length) : command,
  );
  return `${usual.command} (or ${or.join(', ')})`;
}

/** The counts that are not zero: `30 cards: 24 enrolled, 6 invalid`. */
export function countsLine(counts: BatchProgress['counts']): string {
  const parts = [
    [counts.enrolled, 'enrolled'],
    [counts.failed, 'failed'],
    [counts.invalid, 'invalid'],
    [counts.rolledBack, 'rolled back'],
    [counts.unreported, 'unreported'],
    [counts.pending, 'pending'],
  ] as const;
  const told = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [counted(counts.cards, 'card'), ...(told.length > 0 ? [told.join(', ')] : [])].join(': ');
}

/** `1 card`, `2 cards`; with the ending `es` also `2 batches` */
export function counted(count: number, what: string, ending = 's'): string {
  return `${count} ${what}${count === 1 ? '' : ending}`;
}

function secondsUntil(iso: string, now: number): number {
  return Math.max(0, Math.round((Date.parse(iso) - now) / 1000));
}
