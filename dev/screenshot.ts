import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { chromium, type Browser, type FrameLocator, type Page } from 'playwright-core';
import { readRecords } from '../cli/input/read-records.js';
import { EnrollmentClient } from '../client/enrollment-client.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import type { EnrollmentRecord } from '../enrollment/records.js';
import { startDevEnvironment } from './dev-environment.js';

/**
 * `npm run screenshot`: runs a batch and photographs it in Temporal's Web UI, having made sure that
 * the page says in text what the README claims it says.
 */
const { chromium: executablePath, out } = new Command('screenshot')
  .option('--chromium <path>', 'a Chromium to drive', process.env['C2P_CHROMIUM'] ?? '/usr/bin/chromium')
  .option('--out <folder>', 'where the pictures go', 'docs')
  .parse()
  .opts<{ chromium: string; out: string }>();

const folder = await mkdtemp(join(tmpdir(), 'c2p-screenshot-'));
const environment = await startDevEnvironment({ folder, onProgress: console.error });
let browser: Browser | undefined;
try {
  Object.assign(process.env, environment.env);
  const client = await EnrollmentClient.connect();
  const { records } = await readRecords('examples/cards.jsonl');
  const batch = await client.enroll({
    externalBatchId: '2026-11-debit-0001',
    program: 'demo',
    records: records as EnrollmentRecord[],
  });
  await batch.result();
  await client.close();

  const workflows = `${environment.temporal.uiUrl}/namespaces/${environment.temporal.namespace}/workflows`;
  browser = await launch();
  const page = await browser.newPage({ viewport: { width: 1440, height: 1080 }, colorScheme: 'light' });
  await photograph(page, {
    url: `${workflows}/${encodeURIComponent(workflowIdOf(batch.key))}`,
    texts: [
      '2026-11-debit-0001: 30 cards of 25 consumers, program demo',
      'COMPLETED_WITH_ERRORS',
      'submitBatch',
      'poll 1',
    ],
    file: 'web-ui-batch.png',
  });
  await page.getByText('User Metadata').click();
  // The Web UI renders Markdown in frames: first the summary, then the current details.
  await photograph(page, {
    place: page.locator('iframe').last().contentFrame(),
    texts: ['22', 'Closed. Cardholder data is erased; outcomes are kept.', 'Mastercard batchId'],
    file: 'web-ui-details.png',
  });
} finally {
  await browser?.close();
  await environment.stop();
  await rm(folder, { recursive: true, force: true });
}

function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Opens the page, waits until it shows every text, and takes the picture. */
async function photograph(
  page: Page,
  {
    url,
    place = page,
    texts,
    file,
  }: { url?: string; place?: Page | FrameLocator; texts: string[]; file: string },
): Promise<void> {
  if (url) await page.goto(url);
  for (const text of texts) await place.getByText(text).first().waitFor({ timeout: 30_000 });
  const path = resolve(out, file);
  await page.screenshot({ path });
  console.error(path);
}
