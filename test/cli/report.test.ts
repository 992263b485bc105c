import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { retainedBytes } from '../../bench/memory.js';
import { csvCell, OUTCOME_COLUMNS, writeRows } from '../../cli/report.js';
import type { Outcome } from '../../enrollment/outcomes.js';

const FAILED: Outcome = {
  externalConsumerId: 'c-1',
  externalCardId: 'k-1',
  status: 'FAILED',
  round: 1,
  reason: '=1+1',
  details: [{ path: 'Card', code: 'PAN_INELIGIBLE', message: 'cannot, be enrolled' }],
};

/** Takes what is written, and says that it wants no more before it did. */
class Taker extends Writable {
  text = '';
  constructor() {
    super({ highWaterMark: 1, decodeStrings: false });
  }
  override _write(chunk: Buffer | string, _: string, done: () => void): void {
    this.text += chunk.toString();
    setImmediate(done);
  }
}

describe('a report', () => {
  test('in JSONL has a row as it is, on a line of its own', async () => {
    const out = new Taker();
    await writeRows([FAILED, { ...FAILED, externalCardId: 'k-2' }], 'jsonl', [], out);
    const rows = out.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Outcome);
    expect(rows).toEqual([FAILED, { ...FAILED, externalCardId: 'k-2' }]);
    expect(out.writableEnded).toBe(false);
  });

  test('in CSV has a header, the details in one cell, and no cell that is a formula', async () => {
    const out = new Taker();
    await writeRows([FAILED], 'csv', OUTCOME_COLUMNS, out);
    expect(out.text).toBe(
      `${OUTCOME_COLUMNS.join(',')}\nc-1,k-1,FAILED,1,'=1+1,"Card PAN_INELIGIBLE (cannot, be enrolled)",,\n`,
    );
  });

  // A spreadsheet cuts a row at whatever its locale has for the end of a cell, and knows quotes at a cell's beginning only.
  test.each(['=', '+', '-', '@', '＝', '＋', '－', '＠'])(
    'in CSV has no formula that begins with %s, however a spreadsheet cuts its rows',
    async (sign) => {
      const formula = `${sign}HYPERLINK("https://evil.example","x")`;
      const hostile = ['', ';', '; ', ',', '|', '\t', '\r', '\n', '\r\n', ';"', ';" ', ';\t', '\u00a0'].map(
        (before) => `${before}${formula}`,
      );
      const details = hostile.flatMap((text) => [
        { code: text, path: text, message: text },
        { code: 'C', message: `x${text}` },
      ]);
      const rows = hostile.map((text) => ({ ...FAILED, reason: text, srcConsumerId: text, details }));
      const out = new Taker();
      await writeRows(rows, 'csv', OUTCOME_COLUMNS, out);
      for (const separator of [';', ',', '|', '\t']) {
        const cells = out.text.split(/[\r\n]/).flatMap((row) => row.split(separator));
        expect(cells.filter((cell) => /^[\s"']*[=+\-@＝＋－＠]/.test(cell.replace(/^[\s"]*'/, 'x')))).toEqual(
          [],
        );
      }
    },
  );

  test('in CSV leaves names, amounts and dashes within a text as they are', () => {
    for (const text of ['c-1', 'a+b@example.org is wrong', '2026-11-30', 'x = y', '10 % - 20 %'])
      expect(csvCell(text)).toBe(text);
  });

  test('in CSV has a header also where there are no rows', async () => {
    const out = new Taker();
    await writeRows<{ line: number; code: string }>([], 'csv', ['line', 'code'], out);
    expect(out.text).toBe('line,code\n');
  });

  test.each(['jsonl', 'csv'] as const)('in %s is not read faster than it is taken', async (format) => {
    const rowsInAll = 20_000;
    let read = 0;
    const rows = function* () {
      for (; read < rowsInAll; read += 1) yield FAILED;
    };
    const out = new Taker();
    let [aheadAtMost, waits] = [0, 0];
    out.on('drain', () => {
      const taken = out.text.split('\n').length;
      aheadAtMost = Math.max(aheadAtMost, read - taken);
      waits += 1;
    });
    await writeRows(rows(), format, OUTCOME_COLUMNS, out);
    expect(read).toBe(rowsInAll);
    expect(waits).toBeGreaterThan(10);
    // A few chunks of 64 KB.
    expect(aheadAtMost).toBeLessThan(5_000);
  });

  test('in CSV of 100,000 rows takes the memory that 10,000 take', async () => {
    const retained: number[] = [];
    const rows = function* () {
      for (let n = 1; n <= 100_000; n += 1) {
        yield { ...FAILED, externalCardId: `k-${n}` };
        if (n % 10_000 === 0) retained.push(retainedBytes());
      }
    };
    const out = new Writable({ write: (_, __, done) => setImmediate(done) });
    await writeRows(rows(), 'csv', OUTCOME_COLUMNS, out);
    expect(retained).toHaveLength(10);
    // The text of all rows is eight times this.
    expect(Math.max(...retained) - retained[0]!).toBeLessThan(1024 ** 2);
  });
});
