import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstPage, indexPage, type IndexPage } from '../../bulk/index-page.js';
import { readBatch, readBatches } from '../../bulk/read-batch.js';
import { readLayout } from '../../bulk/records.js';
import { InputError } from '../../cli/input/input-error.js';
import { oracleRows } from '../cli/csv-rows-oracle.js';
import { read as readWhole } from '../cli/input-files.js';
import { card, record } from '../enrollment/generators.js';
import { textOf, withoutMark } from '../cli/read-bytes.js';
import { anyFile, csvFiles, indexOf, itemsOf, MemoryRejects, memorySource, read } from './memory-source.js';

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

  it('gives batches that put together are the file, each full but not over, of whole consumers', async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, fc.integer({ min: 1, max: 5 }), async ({ bytes, extension }, most) => {
        const source = memorySource(bytes, extension, 97);
        const { batches } = await indexOf(source, { maxCardsPerBatch: most });
        const { records } = await read(source, most);
        if (records.length === 0) {
          expect(batches).toEqual([]);
          return;
        }
        expect(batches.map(({ from }) => from)).toEqual([0, ...batches.slice(0, -1).map(({ to }) => to)]);
        expect(batches.at(-1)?.to).toBe(bytes.length);
        for (const [index, { cards }] of batches.entries()) {
          expect(cards).toBeLessThanOrEqual(most);
          const before = batches.slice(0, index + 1).reduce((sum, batch) => sum + batch.records, 0);
          const next = records[before]?.cards;
          if (next !== undefined) expect(cards + next).toBeGreaterThan(most);
        }
        expect(batches.reduce((sum, batch) => sum + batch.records, 0)).toBe(records.length);
      }),
      { numRuns: 500 },
    );
  });

  it('gives from the batches, each alone or all in one go, the records of the file in order', async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, block, async ({ bytes, extension }, size) => {
        const source = memorySource(bytes, extension, size);
        const options = { layout: await readLayout(source), maxCardsPerBatch: 3 };
        const { records } = await read(source);
        const { batches } = await indexOf(source);
        const alone = await Promise.all(batches.map((batch) => readBatch(source, batch, options)));
        expect(alone.flat()).toEqual(records);
        const inOneGo = [];
        for await (const one of readBatches(source, batches, options)) inOneGo.push(one);
        expect(inOneGo).toEqual(batches.map((batch, index) => ({ batch, records: alone[index] })));
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same index in pages of any size, interrupted anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(anyFile, fc.integer({ min: 1, max: 4 }), fc.nat(), async (file, maxBatches, stop) => {
        const source = memorySource(file.bytes, file.extension, 53);
        const whole = await indexOf(source);
        const paged = await indexOf(source, { maxBatches });
        expect({ ...paged, pages: undefined }).toEqual({ ...whole, pages: undefined });
        expect(paged.pages.every(({ batches }) => batches.length <= maxBatches)).toBe(true);

        const rejects = new MemoryRejects();
        const states: IndexPage[] = [];
        const options = { maxCardsPerBatch: 3, maxBatches: 1_000, rejects };
        await indexPage(source, await firstPage(source), {
          ...options,
          onProgress: (page) => states.push(page),
        });
        const left = JSON.parse(JSON.stringify(states[stop % states.length])) as IndexPage;
        if (left.ended) return;
        expect(await indexPage(source, left, options)).toEqual(whole.pages[0]);
        expect(rejects.text).toBe(whole.rejects);
      }),
      { numRuns: 300 },
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
