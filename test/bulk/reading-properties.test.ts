import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../cli/input/input-error.js';
import { oracleRows } from '../cli/csv-rows-oracle.js';
import { read as readWhole } from '../cli/input-files.js';
import { card, record } from '../enrollment/generators.js';
import { textOf, withoutMark } from '../cli/read-bytes.js';
import { anyFile, csvFiles, itemsOf, memorySource, read, split } from './memory-source.js';

const block = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(65_536));

describe('reading a portfolio, whatever is in it,', () => {
  it('gives the same records, rejects and places however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, block, async ({ bytes, extension }, size) => {
        const atOnce = await itemsOf(memorySource(bytes, extension, 1_000_000));
        expect(await itemsOf(memorySource(bytes, extension, size))).toEqual(atOnce);
      }),
      { numRuns: 500 },
    );
  });

  it('gives batches that put together are its records, each full but not over, of whole consumers', async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, fc.integer({ min: 1, max: 5 }), async ({ bytes, extension }, most) => {
        const source = memorySource(bytes, extension, 97);
        const { batches, rejects } = await split(source, { maxCardsPerBatch: most });
        const whole = await read(source, most);
        expect(batches.flatMap(({ records }) => records)).toEqual(whole.records);
        expect(rejects).toEqual(whole.rejects);
        for (const [index, { line, cards, records }] of batches.entries()) {
          expect(line).toBe(records[0]?.line);
          expect(cards).toBe(records.reduce((sum, one) => sum + one.cards, 0));
          expect(cards).toBeLessThanOrEqual(most);
          const next = batches[index + 1]?.records[0];
          if (next) expect(cards + next.cards).toBeGreaterThan(most);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gives from any place where a step ended what it gave behind it, however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, block, fc.nat(), async ({ bytes, extension }, size, stop) => {
        const { steps } = await split(memorySource(bytes, extension));
        const at = stop % steps.length;
        const start = steps[at]?.after;
        if (!start || steps[at]?.isLast) return;
        const rest = await split(memorySource(bytes, extension, size), { start });
        expect(rest.steps).toEqual(steps.slice(at + 1));
      }),
      { numRuns: 500 },
    );
  });

  it('says nothing of what is in it when it rejects', async () => {
    const codes = /^[a-z0-9_]+$/;
    await fc.assert(
      fc.asyncProperty(anyFile, async ({ bytes, extension }) => {
        const { rejects } = await read(memorySource(bytes, extension));
        for (const { line, path, code } of rejects) {
          expect(line).toBeGreaterThan(0);
          expect(path).toMatch(/^[A-Za-z.]*$/);
          expect(code).toMatch(codes);
        }
      }),
    );
  });
});

describe('a file that c2p enroll reads', () => {
  it('is read the same from JSONL, but for what is no consumer with cards', async () => {
    const values = fc.array(
      fc
        .tuple(fc.constantFrom('c1', 'c2'), fc.string(), fc.integer({ min: 1, max: 3 }))
        .map(([id, lastName, cards]) =>
          record(
            id,
            Array.from({ length: cards }, (_, n) => card(`k${n}`)),
            { lastName },
          ),
        ),
    );
    await fc.assert(
      fc.asyncProperty(
        values,
        fc.constantFrom('\n', '\r\n', '\r', '\n\n'),
        block,
        async (list, end, size) => {
          const text = list.map((value) => JSON.stringify(value) + end).join('');
          const { records, rejects } = await read(memorySource(text, '.jsonl', size));
          expect({ records: records.map(({ value }) => value), rejects }).toEqual({
            records: list,
            rejects: [],
          });
          const whole = await readWhole(text, '.jsonl');
          expect(records.map(({ line }) => line)).toEqual(whole.lines.map(({ line }) => line));
        },
      ),
    );
  });

  it('is read the same from CSV where rows of a consumer stand together and none is bad', async () => {
    await fc.assert(
      fc.asyncProperty(csvFiles, block, async (bytes, size) => {
        const whole = await readWhole(bytes, '.csv').catch((error: unknown) => error as InputError);
        const { records, rejects } = await read(memorySource(bytes, '.csv', size), 1_000);
        const ids = records.map(({ value }) => (value as { externalConsumerId: string }).externalConsumerId);
        const apart = new Set(ids).size < ids.length;
        if (whole instanceof InputError) expect(apart || rejects.length > 0).toBe(true);
        if (whole instanceof InputError || apart || rejects.length > 0) return;
        expect(records.map(({ value }) => value)).toEqual(whole.records);
        expect(records.map(({ line }) => line)).toEqual(whole.lines.map(({ line }) => line));
      }),
      { numRuns: 1_000 },
    );
  });

  it('loses no row of CSV that RFC 4180 has', async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, async ({ bytes, extension }) => {
        if (extension !== '.csv') return;
        const rows = oracleRows(withoutMark(bytes))?.slice(1);
        if (textOf(bytes) === undefined || !rows?.every(({ fields }) => fields.length === 12)) return;
        const { records, rejects } = await read(memorySource(bytes, extension), 1_000);
        const cards = records.reduce((sum, one) => sum + one.cards, 0);
        expect(cards + rejects.length).toBe(rows.length);
      }),
      { numRuns: 1_000 },
    );
  });
});
