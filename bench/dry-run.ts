import { basename, dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { ProgramDependencies } from '../activities/dependencies.js';
import { sealPage, type SealedPage } from '../activities/seal-page.js';
import { validateBatch } from '../activities/validate-batch.js';
import { bulkBatchId } from '../enrollment/bulk.js';
import { batchEnroll } from '../mastercard/api/batch-enroll.js';
import { KeyRing } from '../protection/key-ring.js';
import { cpuTime } from './alternating.js';
import { TODAY } from './data.js';
import { settledBytes } from './memory.js';
import { peakMemory } from './process-usage.js';
import { SinkStore } from './sink-store.js';

/** What a dry run has come to; memory in bytes. */
export interface DryRun {
  cards: number;
  cardsPerSecond: number;
  /** On one core: per second of CPU time. */
  cardsPerCpuSecond: number;
  /** What was in use after a garbage collection, the most of all looks. */
  retained: number;
  /** What the process held resident, the most of all time. */
  resident: number;
}

const BULK = { program: 'demo', bulkId: 'dry' };
const MAX_CARDS = 250;
const PROGRAM_DEPENDENCIES = { api: batchEnroll } as ProgramDependencies;
const BATCHES_A_PAGE = 50;
/** Looks at memory, at most; each stops everything for a collection. */
const LOOKS = 20;

/** A process for each run: what one has left behind is not counted to another. */
const [, , path, cards] = process.argv;
if (path === undefined) throw new Error('usage: dry-run.js PORTFOLIO CARDS');
console.log(JSON.stringify(await dryRun(path, Number(cards))));

/** The activities that read, split, seal and validate a portfolio, with a store that forgets what was validated. */
async function dryRun(path: string, expected: number): Promise<DryRun> {
  const keyRing = KeyRing.parse(KeyRing.generate(), 'of the benchmark');
  const store = new SinkStore(keyRing);
  const seal = sealPage({ store, keyRing, sourceFolder: dirname(path) });
  const validate = validateBatch({ store, keyRing, program: () => PROGRAM_DEPENDENCIES, now: () => TODAY });
  const client = temporal();
  const logger = new DefaultLogger('ERROR');
  // An environment of its own for each, as in a worker: what one has run, it holds on to.
  const run = <Input, Result>(work: (input: Input) => Promise<Result>, input: Input) =>
    new MockActivityEnvironment({}, { logger, client }).run<[Input], Result, typeof work>(work, input);
  const pages = Math.ceil(expected / MAX_CARDS / BATCHES_A_PAGE);
  const every = Math.max(1, Math.floor(pages / LOOKS));

  let [cards, retained, looking, lookingCpu, pagesRead, firstBatch] = [0, 0, 0, 0, 0, 1];
  const [begun, begunCpu] = [performance.now(), cpuTime()];
  let page: SealedPage | undefined;
  do {
    page = await run(seal, {
      bulk: BULK,
      source: { path: basename(path) },
      maxCardsPerBatch: MAX_CARDS,
      firstBatch,
      maxBatches: BATCHES_A_PAGE,
      from: page?.cursor,
    });
    firstBatch += page.batches.length;
    pagesRead += 1;
    if (pagesRead % every === 0) {
      // While a page is held: that is when most is.
      const [at, cpu] = [performance.now(), cpuTime()];
      retained = Math.max(retained, await settledBytes());
      [looking, lookingCpu] = [looking + performance.now() - at, lookingCpu + cpuTime() - cpu];
    }
    for (const { n, records, recordsDigest } of page.batches) {
      const batch = { program: BULK.program, externalBatchId: bulkBatchId(BULK.bulkId, n) };
      const validated = await run(validate, { batch, chain: 'bench', records, recordsDigest });
      if (validated.kind === 'unreadable') throw new Error(validated.message);
      cards += validated.validCards;
      store.forget(batch);
    }
  } while (!page.ended);
  if (cards !== expected) throw new Error('the benchmark must find every card valid');
  return {
    cards,
    cardsPerSecond: (cards * 1_000) / (performance.now() - begun - looking),
    cardsPerCpuSecond: (cards * 1_000) / (cpuTime() - begunCpu - lookingCpu),
    retained,
    resident: await peakMemory(process.pid),
  };
}

/** As much of a client as the activities ask: which namespace it is of. */
function temporal(): Client {
  return {
    options: { namespace: 'default', loadedDataConverter: { payloadCodecs: [] } },
    workflowService: { describeNamespace: () => Promise.resolve({ namespaceInfo: { id: 'bench' } }) },
    withAbortSignal: (_: AbortSignal, work: () => unknown) => work(),
  } as unknown as Client;
}
