import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON, type History } from '@temporalio/common/lib/proto-utils.js';
import { Command } from 'commander';
import { readRecords } from '../cli/input/read-records.js';
import { EnrollmentClient } from '../client/enrollment-client.js';
import { loadConfig } from '../config/load.js';
import { bulkBatchId, bulkWorkflowIdOf } from '../enrollment/bulk.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { openKeyRing } from '../protection/live-key-ring.js';
import { EncryptingPayloadCodec } from '../protection/payload-codec.js';
import { payloadsOf } from '../protection/payloads-of.js';
import { TRIGGERS, type Simulator } from '../simulator/index.js';
import { startDevEnvironment } from './dev-environment.js';
import { followBulkPath, goldenBulkPaths } from './golden-bulk-paths.js';
import { followPath, goldenPaths, GOLDEN_SERVER, type GoldenPath } from './golden-paths.js';

/**
 * `npm run record-histories`: takes a batch, or a bulk job, along every golden path, on a real server with a real
 * worker, and writes down the history of each of its runs as the golden tests replay them. Done once for
 * a release, with that release, and never again: a path that the release has been taken along stays as it is.
 */
const { out } = new Command('record-histories')
  .option('--out <folder>', 'where the histories go', 'test/histories')
  .parse()
  .opts<{ out: string }>();

const { version } = createRequire(import.meta.url)('c2p/package.json') as { version: string };
const [sample] = (await readRecords('examples/cards.jsonl')).records as EnrollmentRecord[];

const recorded = await readdir(out);
const isRecorded = ({ name }: { name: string }) =>
  recorded.some((file) => [`${version}-${name}.json`, `${version}-${name}-run-1.json`].includes(file));

const folder = await mkdtemp(join(tmpdir(), 'c2p-histories-'));
const environment = await startDevEnvironment({
  folder,
  bulkFolder: folder,
  processingMs: 0,
  dynamicConfig: GOLDEN_SERVER,
  onProgress: console.error,
});
try {
  Object.assign(process.env, environment.env);
  const connection = await Connection.connect({ address: environment.temporal.address });
  const temporal = new Client({ connection });
  const config = await loadConfig(environment.env.C2P_CONFIG);
  const codec = new EncryptingPayloadCodec(await openKeyRing(config.dataKeys));
  const client = await EnrollmentClient.connect();
  for (const path of goldenPaths.filter((one) => !isRecorded(one))) {
    const { simulator, sandbox } = environment;
    reset(simulator);
    const records = path.cards.map((fate, n) => recordThat(fate, n + 1));
    const { taskQueue } = config;
    const batch = await followPath(path, {
      ...{ client, temporal, taskQueue, simulator, sandbox },
      ...{ program: 'demo', records },
    });
    await record(path.name, await runsOf(temporal, workflowIdOf(batch.key)), codec);
  }
  for (const path of goldenBulkPaths.filter((one) => !isRecorded(one))) {
    const { simulator, sandbox } = environment;
    reset(simulator);
    const records = Array.from({ length: path.consumers }, (_, n) => recordThat('ENROLLED', n + 1));
    const place = {
      client,
      temporal,
      taskQueue: config.taskQueue,
      simulator,
      sandbox,
      program: 'demo',
      records,
    };
    const job = await followBulkPath(path, place, folder);
    await record(path.name, await runsOf(temporal, bulkWorkflowIdOf(job.key)), codec);
    // Its first batch: one that reports to a job, and, where that took it back, one that begins with that.
    const first = { program: 'demo', externalBatchId: bulkBatchId(job.bulkId, 1) };
    await record(`${path.name}-first-batch`, await runsOf(temporal, workflowIdOf(first)), codec);
  }
  await client.close();
  await connection.close();
} finally {
  await environment.stop();
  await rm(folder, { recursive: true, force: true });
}

function reset(simulator: Simulator): void {
  simulator.clearFaults();
  simulator.configure({ processingMs: 0, duplicates: 'withBatchId' });
}

async function record(name: string, runs: History[], codec: EncryptingPayloadCodec): Promise<void> {
  for (const [index, history] of runs.entries()) {
    const run = runs.length > 1 ? `-run-${index + 1}` : '';
    const file = join(out, `${version}-${name}${run}.json`);
    await decrypt(history, codec);
    await writeFile(file, `${anonymous(history)}\n`, { flag: 'wx' });
    console.error(`${file}: ${history.events?.length} events`);
  }
}

function recordThat(fate: GoldenPath['cards'][number], n: number): EnrollmentRecord {
  const card = { ...sample!.cards[0]!, externalCardId: `card-${n}` };
  if (fate === 'INVALID') card.panExpirationMonth = '13';
  else if (fate !== 'ENROLLED') card.primaryAccountNumber = TRIGGERS.cards[fate].pan;
  return { ...sample!, externalConsumerId: `cust-${n}`, cards: [card] };
}

/** The history of each run, the first first. */
async function runsOf(temporal: Client, workflowId: string): Promise<History[]> {
  const runs: History[] = [];
  for (let runId: string | undefined = ''; runId !== undefined;) {
    const history: History = await temporal.workflow.getHandle(workflowId, runId || undefined).fetchHistory();
    runs.unshift(history);
    const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    runId = started?.continuedExecutionRunId || undefined;
  }
  return runs;
}

/** A recorded history outlives the keys of the sandbox that it was made in. */
async function decrypt(history: History, codec: EncryptingPayloadCodec): Promise<void> {
  for (const payload of payloadsOf(history)) {
    const [plain] = await codec.decode([payload]);
    payload.metadata = plain!.metadata;
    payload.data = plain!.data;
  }
}

/** Stack traces, identities and names of sticky queues name the machine that made them, and take no part in a replay. */
function anonymous(history: History): string {
  const events = JSON.parse(historyToJSON(history), (key, value: unknown) => {
    if (key === 'stackTrace' || key === 'identity') return '';
    return typeof value === 'string' && /^\d+@/.test(value) ? 'sticky' : value;
  }) as unknown;
  return JSON.stringify(events, null, 1);
}
