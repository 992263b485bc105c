import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, type Worker } from '@temporalio/worker';
import { startEmbeddedTemporal } from '../dev/embedded-temporal.js';
import { KeyRing } from '../protection/key-ring.js';
import { createLogger } from '../protection/logger.js';
import { FilesystemStore } from '../store/filesystem-store.js';
import { installRuntime } from '../worker/runtime.js';
import { ensureSearchAttributes } from '../worker/search-attributes.js';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.js';
import { median, medianRatio } from './alternating.js';
import { createBare, createC2p, type Contender } from './contenders.js';
import { benchRecords } from './data.js';
import { MemoryStore } from './memory-store.js';
import { printFigure, printHeading, printRatio } from './report.js';

type Name = 'bare' | 'orchestration' | 'everything';

const FULL_BATCH = 250;
const POLLS = 2;
/** Short, so that it is the server that limits and not the timers. */
const POLL_EVERY_MS = 200;
const ROUNDS = 4;
const BATCHES_A_TURN = 60;
const AT_ONCE = 50;
const BUDGETS = { orchestration: { atLeast: 0.93 }, everything: { atLeast: 0.85 } };

/** Batches through a real Temporal server, c2p beside a workflow that does nothing, in turns. */
export async function benchmarkBatches(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'c2p-bench-'));
  const onProgress = (line: string) => console.error(`  … ${line}`);
  try {
    const server = await startEmbeddedTemporal({ logFile: join(folder, 'temporal.log'), onProgress });
    try {
      await compare(server, join(folder, 'store'));
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compare(
  { address, namespace }: { address: string; namespace: string },
  folder: string,
): Promise<void> {
  installRuntime(createLogger({ level: 'error', name: 'bench' }));
  const connection = await NativeConnection.connect({ address });
  const temporal = new Client({ connection: await Connection.connect({ address }), namespace });
  try {
    await ensureSearchAttributes(connection, namespace, SEARCH_ATTRIBUTES);
    const track = {
      temporal,
      target: { connection, namespace },
      polls: POLLS,
      pollEveryMs: POLL_EVERY_MS,
    };
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const recipient = { kid: 'bench', key: publicKey };
    const keyRing = KeyRing.parse(KeyRing.generate(), 'of the benchmark');
    const contenders = {
      bare: await createBare(track),
      orchestration: await createC2p(track, {
        taskQueue: 'orchestration',
        records: benchRecords(1),
        recipient,
        keyRing,
        store: new MemoryStore(),
      }),
      everything: await createC2p(track, {
        taskQueue: 'everything',
        records: benchRecords(FULL_BATCH),
        recipient,
        keyRing,
        store: new FilesystemStore({ root: folder, keyRing }),
      }),
    };
    const workers = Object.values(contenders).flatMap((contender) => contender.workers);
    await running(workers, () => race(contenders));
  } finally {
    await temporal.connection.close();
    await connection.close();
  }
}

/** Prints how the contenders do. The first turn of each warms up and does not count. */
async function race(contenders: Record<Name, Contender>): Promise<void> {
  const names = Object.keys(contenders) as Name[];
  const rates: Record<Name, number[]> = { bare: [], orchestration: [], everything: [] };
  for (const name of names) await batchesPerSecond(contenders[name], `${name}-0`);
  for (let round = 1; round <= ROUNDS; round += 1) {
    // There and back: a server that grows slower does so for all alike.
    for (const name of round % 2 === 1 ? names : names.toReversed()) {
      rates[name].push(await batchesPerSecond(contenders[name], `${name}-${round}`));
    }
  }
  printHeading(`Batches with ${POLLS} polls, ${AT_ONCE} at once, Temporal's dev server in memory`);
  printFigure('bare workflow, the same activities and timers, empty', median(rates.bare), 'batches/s');
  printFigure('c2p, 1 card, store in memory', median(rates.orchestration), 'batches/s');
  printFigure(`c2p, ${FULL_BATCH} cards, store on disk`, median(rates.everything), 'batches/s');
  printRatio(
    'orchestration: 1 card / bare',
    medianRatio(rates.orchestration, rates.bare),
    BUDGETS.orchestration,
  );
  printRatio(
    `everything: ${FULL_BATCH} cards / bare`,
    medianRatio(rates.everything, rates.bare),
    BUDGETS.everything,
  );
}

async function batchesPerSecond(contender: Contender, prefix: string): Promise<number> {
  let next = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < BATCHES_A_TURN) await contender.runBatch(`${prefix}-${(next += 1)}`);
    }),
  );
  return (BATCHES_A_TURN * 1_000) / (performance.now() - start);
}

/** Runs the workers while the work runs, and ends when one of them dies. */
function running<T>(workers: Worker[], work: () => Promise<T>): Promise<T> {
  return workers.reduce<() => Promise<T>>((inner, worker) => () => worker.runUntil(inner), work)();
}
