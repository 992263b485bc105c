import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bulkViewOn } from '../../cli/bulk/watch-bulk.js';
import { note, print, printJson } from '../../cli/output.js';
import { progressPrinter } from '../../cli/progress.js';
import { writeRows } from '../../cli/report.js';
import { run } from '../../cli/run.js';
import { onTerminal, type Terminal } from '../../cli/terminal.js';
import { watchView } from '../../cli/watch-view.js';
import type { BulkView } from '../../client/bulk-enrollment.js';
import { NO_CARDS } from '../../enrollment/bulk.js';
import { TERMINAL_COMMANDS, UNPRINTABLE } from '../support/hostile-texts.js';
import { Screen } from './screen.js';

const HOSTILE = TERMINAL_COMMANDS.join('');
const BATCH = { program: `demo${HOSTILE}`, externalBatchId: `b-1${HOSTILE}` };
const PROGRESS = {
  ...BATCH,
  status: `PROCESSING${HOSTILE}` as 'PROCESSING',
  counts: NO_CARDS,
  batchIds: [],
  reasons: [],
  error: `Mastercard says ${HOSTILE}`,
};
const BULK: BulkView = {
  program: 'demo',
  bulkId: 'debit',
  status: `ENROLLING${HOSTILE}` as 'ENROLLING',
  counts: NO_CARDS,
  rejects: 0,
  reasons: [],
  error: HOSTILE,
};

/** What a command writes on a terminal, or where there is none. */
async function written(isTTY: boolean, command: (screen: Screen) => unknown): Promise<string> {
  const screen = new Screen({ isTTY });
  const own: Terminal = { stdout: screen.stream, stderr: screen.stream };
  await onTerminal(own, () => Promise.resolve(command(screen)));
  return screen.written;
}

describe('a text of Temporal, Mastercard or a file reaches no terminal raw', () => {
  test.each<[string, (screen: Screen) => unknown]>([
    ['a line of a result', () => print(`  Mastercard batchId ${HOSTILE}`)],
    ['a remark', () => note(HOSTILE)],
    ['a JSON document', () => printJson(PROGRESS)],
    ['a step', async () => (await progressPrinter()).line(HOSTILE)],
    ['the help of an option that there is none of', (screen) => runOn(screen, [`--${HOSTILE}`])],
    ['an error', (screen) => runOn(screen, ['report', HOSTILE])],
    ...(['csv', 'jsonl'] as const).map((format): [string, (screen: Screen) => unknown] => [
      `a report in ${format}`,
      ({ stream }) =>
        writeRows([{ details: [{ code: HOSTILE }], reason: HOSTILE }], format, ['reason'], stream),
    ]),
    [
      'the changes of batches',
      async ({ stream }) => {
        const view = await watchView(stream, [BATCH, { program: 'demo', externalBatchId: 'b-2' }]);
        view.show([{ progress: PROGRESS }]);
      },
    ],
    ['the changes of a job', async ({ stream }) => (await bulkViewOn(stream)).show(BULK)],
  ])('as %s', async (_, command) => {
    const text = await written(false, command);
    expect(text).not.toBe('');
    expect(text).not.toMatch(UNPRINTABLE);
  });

  test('as a line that pretends to be two', async () => {
    expect(await written(false, () => print('b-1 COMPLETED\nb-2 COMPLETED'))).toBe(
      'b-1 COMPLETED␊b-2 COMPLETED\n',
    );
  });
});

describe('a view that is drawn again and again', () => {
  beforeEach(() => {
    vi.stubEnv('CI', undefined);
    vi.stubEnv('TERM', 'xterm');
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.useRealTimers();
  });

  test.each<[string, (screen: Screen) => Promise<{ stop(): void }>]>([
    [
      'of batches',
      async ({ stream }) => {
        const view = await watchView(stream, [BATCH, { program: 'demo', externalBatchId: 'b-2' }]);
        view.show([{ progress: PROGRESS }]);
        return view;
      },
    ],
    [
      'of a job',
      async ({ stream }) => {
        const view = await bulkViewOn(stream);
        view.show(BULK);
        return view;
      },
    ],
    [
      'of steps',
      async ({ stream }) => {
        const printer = await progressPrinter(stream);
        printer.line(`installing … ${HOSTILE}`);
        return printer;
      },
    ],
  ])('%s draws with colours of its own and obeys none of others', async (_, draw) => {
    const screen = new Screen({ isTTY: true });
    screen.columns = 1_000;
    const view = await draw(screen);
    vi.advanceTimersByTime(1_000);
    const { frame } = screen;
    view.stop();
    expect(screen.written).toContain('\u001b[');
    expect(screen.written).not.toContain('\u001b]');
    expect(frame.join('\n')).toContain('␛]0;title');
    expect(frame.join('\n')).not.toMatch(UNPRINTABLE);
  });
});

async function runOn(screen: Screen, args: readonly string[]): Promise<void> {
  await run(args, { stdout: screen.stream, stderr: screen.stream });
}
