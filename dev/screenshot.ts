import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import type { Browser, Page } from 'playwright-core';
import { readRecords } from '../cli/input/read-records.js';
import { EnrollmentClient } from '../client/enrollment-client.js';
import type { BulkEnrollment, BulkView } from '../client/bulk-enrollment.js';
import type { EnrollmentBatch } from '../client/enrollment-batch.js';
import { bulkWorkflowIdOf } from '../enrollment/bulk.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { launchChromium } from './chromium.js';
import { startDevEnvironment } from './dev-environment.js';
import {
  portfolio,
  scenes,
  type Picture,
  type Scene,
  type SeenDetails,
  type SeenHistory,
} from './screenshot-scenes.js';

/**
 * `npm run screenshot`: brings batches into the states of the scenes and photographs each in Temporal's
 * Web UI, having made sure that the page says in text what the docs claim it says.
 */
const { out } = new Command('screenshot')
  .option('--out <folder>', 'where the pictures go', 'docs')
  .parse()
  .opts<{ out: string }>();

const WITHIN_MS = 30_000;
const FOR_LONG_MS = 24 * 3_600_000;
/** As many as the sandbox's program takes. */
const CARDS_A_BATCH = 250;
/** As narrow as the Web UI can be with the current details beside the summary. */
const VIEWPORT = { width: 1340, height: 1060 };
/** Left and above of it are the navigation and the namespace. */
const CORNER = { x: 64, y: 108 };

const folder = await mkdtemp(join(tmpdir(), 'c2p-screenshot-'));
const environment = await startDevEnvironment({ folder, bulkFolder: folder, onProgress: console.error });
let browser: Browser | undefined;
try {
  Object.assign(process.env, environment.env);
  const client = await EnrollmentClient.connect();
  browser = await launchChromium();
  const page = await browser.newPage({
    viewport: VIEWPORT,
    deviceScaleFactor: 1.5,
    colorScheme: 'light',
  });
  for (const scene of scenes) {
    const { key } = await setUp(client, scene);
    await picture(page, workflowIdOf(key), scene);
  }
  const { key } = await setUpPortfolio(client);
  await picture(page, bulkWorkflowIdOf(key), portfolio);
  await client.close();
} finally {
  await browser?.close();
  await environment.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Enrolls the sample and waits until the batch is where the scene wants it. */
async function setUp(client: EnrollmentClient, scene: Scene): Promise<EnrollmentBatch> {
  const { externalBatchId, policy } = scene;
  const { records } = await readRecords('examples/cards.jsonl');
  scene.simulate?.(environment.simulator);
  const batch = await client.enroll({
    externalBatchId,
    program: 'demo',
    records: records as EnrollmentRecord[],
    policy,
  });
  await waitUntil(batch, scene.reached, externalBatchId);
  return batch;
}

/** Asks how far a batch or a job is until it is where it should be. */
async function waitUntil<Progress extends { status: string }>(
  work: { progress(): Promise<Progress> },
  reached: (progress: Progress) => boolean,
  id: string,
): Promise<void> {
  for (const deadline = Date.now() + WITHIN_MS; ; await delay(200)) {
    const progress = await work.progress();
    if (reached(progress)) return;
    assert(Date.now() < deadline, `${id} is still ${progress.status}`);
  }
}

/** Enrolls a portfolio made of the sample, and stops Mastercard when it is half way. */
async function setUpPortfolio(client: EnrollmentClient): Promise<BulkEnrollment> {
  const { simulator } = environment;
  const { bulkId, batches, closed, inFlight } = portfolio;
  const before = simulator.accepted().length;
  const path = join(folder, `${bulkId}.jsonl`);
  await writeFile(path, await rowsOfSample(batches * CARDS_A_BATCH));
  const untilInFlight = (count: number) =>
    waitUntil<BulkView>(
      job,
      ({ batches: seen }) =>
        seen?.inFlight === count && simulator.accepted().length - before === seen.started,
      bulkId,
    );

  simulator.configure({ processingMs: FOR_LONG_MS });
  const job = await client.startBulk({
    bulkId,
    program: 'demo',
    source: { path },
    limits: { maxBatchesInFlight: closed },
  });
  await untilInFlight(closed);
  await job.pause();
  simulator.configure({ processingMs: 0 });
  await untilInFlight(0);
  simulator.configure({ processingMs: FOR_LONG_MS });
  await job.change({ maxBatchesInFlight: inFlight });
  await job.resume();
  await untilInFlight(inFlight);
  return job;
}

/** Of the sample's consumers with one card, again and again, each with ids of its own. */
async function rowsOfSample(cards: number): Promise<string> {
  const { records } = await readRecords('examples/cards.jsonl');
  const single = (records as EnrollmentRecord[]).filter((record) => record.cards.length === 1);
  const rows = Array.from({ length: cards }, (_, n) => {
    const record = single[n % single.length]!;
    const [card] = record.cards;
    return { ...record, externalConsumerId: `cust-${n}`, cards: [{ ...card, externalCardId: `card-${n}` }] };
  });
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Opens a workflow's page, makes sure that it says what it should, and photographs it. */
async function picture(page: Page, workflowId: string, { seen, file }: Picture): Promise<void> {
  const { uiUrl, namespace } = environment.temporal;
  await page.goto(`${uiUrl}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`);
  const bottom = await (seen.tab === 'history' ? readHistory(page, seen) : readDetails(page, seen));
  await photograph(page, bottom, file);
}

/** @returns how far down the page there is something to see (px). */
async function readHistory(page: Page, { texts }: SeenHistory): Promise<number> {
  for (const text of texts) await page.getByText(text).first().waitFor({ timeout: WITHIN_MS });
  return VIEWPORT.height;
}

/** Opens the current details, which the Web UI renders in the last frame of the tab, and reads them. */
async function readDetails(page: Page, { status, counts, texts }: SeenDetails): Promise<number> {
  await page.getByText('User Metadata').click();
  const frame = page.locator('iframe').last();
  const details = frame.contentFrame();
  await details.getByRole('heading', { name: status, exact: true }).waitFor({ timeout: WITHIN_MS });
  for (const text of texts) await details.getByText(text).first().waitFor({ timeout: WITHIN_MS });
  const names = await details.getByRole('columnheader').allInnerTexts();
  const values = await details.getByRole('cell').allInnerTexts();
  assert.deepEqual(Object.fromEntries(names.map((name, n) => [name, Number(values[n])])), counts);
  const { y, height } = (await frame.boundingBox())!;
  const lastFact = (await details.getByRole('listitem').last().boundingBox())!;
  assert(lastFact.y + lastFact.height <= y + height, `the last line of ${status} is cut off`);
  return y + height;
}

async function photograph(page: Page, bottom: number, file: string): Promise<void> {
  const path = resolve(out, file);
  const clip = { ...CORNER, width: VIEWPORT.width - CORNER.x, height: bottom - CORNER.y };
  await page.screenshot({ path, clip });
  console.error(path);
}
