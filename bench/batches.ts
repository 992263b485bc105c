import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, type Worker } from '@temporalio/worker';
import { startEmbeddedTemporal } from '../dev/embedded-temporal.js';
import { createLogger } from '../protection/logger.js';
import { installRuntime } from '../worker/runtime.js';
import { ensureSearchAttributes } from '../worker/search-attributes.js';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.js';
import { median, medianRatio } from './alternating.js';
import { createBare, createC2p, type Contender } from './contenders.js';
import { benchRecords } from './data.js';
import { printFigure, printHeading, printRatio } from './report.js';

const CARDS = 250;
const POLLS = 2;
/** Short, so that it is the server that limits and not the timers. */
const POLL_EVERY_MS = 200;
const ROUNDS = 3;
const BATCHES_A_ROUND = 150;
const AT_ONCE = 50;
const BUDGET = { atLeast: 0.85 };

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
    const c2p = await createC2p(track, {
      records: benchRecords(CARDS),
      recipient: { kid: 'bench', key: publicKey },
      folder,
    });
    const bare = await createBare(track);
    await running([...c2p.workers, ...bare.workers], () => race(c2p, bare));
  } finally {
    await temporal.connection.close();
    await connection.close();
  }
}

/** The first round of each warms up and does not count. */
async function race(c2p: Contender, bare: Contender): Promise<void> {
  const rates: Record<'c2p' | 'bare', number[]> = { c2p: [], bare: [] };
  await batchesPerSecond(c2p, AT_ONCE, 'c2p-warm');
  await batchesPerSecond(bare, AT_ONCE, 'bare-warm');
  for (let round = 1; round <= ROUNDS; round += 1) {
    rates.c2p.push(await batchesPerSecond(c2p, BATCHES_A_ROUND, `c2p-${round}`));
    rates.bare.push(await batchesPerSecond(bare, BATCHES_A_ROUND, `bare-${round}`));
  }
  printHeading(
    `Batches of ${CARDS} cards with ${POLLS} polls, ${AT_ONCE} at once, Temporal's dev server in memory`,
  );
  printFigure('c2p', median(rates.c2p), 'batches/s');
  printFigure('bare workflow, the same activities and timers, empty', median(rates.bare), 'batches/s');
  printRatio('c2p / bare workflow', medianRatio(rates.c2p, rates.bare), BUDGET);
}

async function batchesPerSecond(contender: Contender, batches: number, prefix: string): Promise<number> {
  let next = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < batches) await contender.runBatch(`${prefix}-${(next += 1)}`);
    }),
  );
  return (batches * 1_000) / (performance.now() - start);
}

/** Runs the workers while the work runs, and ends when one of them dies. */
function running<T>(workers: Worker[], work: () => Promise<T>): Promise<T> {
  return workers.reduce<() => Promise<T>>((inner, worker) => () => worker.runUntil(inner), work)();
}
