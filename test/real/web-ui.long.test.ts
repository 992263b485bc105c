import { readFile } from 'node:fs/promises';
import type { Browser, Page, Request, Response } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../dev/chromium.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { startCodecServerProcess, type CodecServerProcess } from '../support/codec-server-process.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import { testRecord } from '../support/records.js';
import { AUDIENCE, IdentityProvider, ISSUER, type TokenChanges } from '../support/tokens.js';
import { until } from '../support/until.js';

const BATCH = 'seen-in-the-web-ui';
const RECORD = testRecord(1234, 2);
const PERSONAL = [
  RECORD.externalConsumerId,
  RECORD.consumer.emailAddress,
  RECORD.consumer.lastName,
  RECORD.consumer.mobileNumber.phoneNumber,
  ...RECORD.cards.map(({ primaryAccountNumber }) => primaryAccountNumber),
];
/** `binary/encrypted` in base64: how the Web UI shows the encoding of a payload that it cannot read. */
const CIPHERTEXT = 'YmluYXJ5L2VuY3J5cHRlZA==';

let environment: RealEnvironment;
let site: RealSite;
let provider: IdentityProvider;
let codecServer: CodecServerProcess;
let browser: Browser;

beforeAll(async () => {
  environment = await RealEnvironment.start();
  [site, provider, browser] = await Promise.all([
    environment.site('web-ui', { processingMs: 24 * 3_600_000 }),
    IdentityProvider.start(),
    launchChromium(),
  ]);
  codecServer = await startCodecServerProcess(site, {
    origins: [environment.uiUrl],
    token: { jwksUrl: provider.jwksUrl, issuer: ISSUER, audience: AUDIENCE },
  });
  await site.startWorker();
  await site.temporal.workflow.start('batchEnrollment', {
    taskQueue: 'c2p-web-ui',
    workflowId: workflowIdOf({ program: PROGRAM, externalBatchId: BATCH }),
    args: [{ program: PROGRAM, externalBatchId: BATCH, records: { inline: [RECORD] } }],
  });
  const batch = site.client.batch(BATCH, PROGRAM);
  await until(async () => (await batch.progress()).status === 'PROCESSING');
});
afterAll(async () => {
  await browser?.close();
  await codecServer?.kill();
  provider?.close();
  await environment?.close();
});

/** What the page says at last: first it shows ciphertext to everybody. */
const READABLE = {
  input: '"externalBatchId"',
  summary: 'round 1, attempt 1',
  details: 'Mastercard is processing',
  hides: CIPHERTEXT,
};
const SEALED = { input: CIPHERTEXT, summary: 'Decoding failed', details: 'No Current Details' };

interface Visit {
  /** Absent: nobody is signed in. */
  token?: string;
  /** Where the Web UI is opened. */
  uiUrl?: string;
  /** What the page must show at last, and what it may show until then. */
  shows: typeof SEALED & { hides?: string };
}

interface Seen {
  /** What the page says of the batch: its history with the input, and the summaries. */
  text: string;
  /** Every payload that the codec server gave the page, decoded. */
  received: string;
  /** Of the codec server's answers; a page that may not read an answer has none. */
  statuses: Set<number>;
}

/** Opens the batch in the Web UI. */
async function visit({ token, uiUrl = environment.uiUrl, shows }: Visit): Promise<Seen> {
  const cookies = token === undefined ? [] : [signedIn(uiUrl, token)];
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    storageState: { cookies, origins: [] },
  });
  try {
    // The Web UI of the dev server has no setting for whom to let in and which codec server to ask; that of
    // production can, and then answers so.
    await context.route('**/api/v1/settings*', async (route) => {
      const settings = (await (await route.fetch()).json()) as { Auth: object };
      const Auth = { ...settings.Auth, Enabled: token !== undefined };
      const Codec = { Endpoint: codecServer.url, PassAccessToken: true };
      await route.fulfill({ json: { ...settings, Auth, Codec } });
    });
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    const answers: Response[] = [];
    page.on('response', (response) => {
      if (isDecoding(response.request())) answers.push(response);
    });
    const { workflowId } = site.workflow(BATCH);
    await page.goto(`${uiUrl}/namespaces/default/workflows/${encodeURIComponent(workflowId)}`);
    await page.getByText(shows.input).first().waitFor();
    await page.getByText('submitBatch').first().waitFor();
    const history = await textOf(page, shows.hides);
    await page.getByText('User Metadata').click();
    await page.getByText(shows.summary).first().waitFor();
    // Details are rendered in frames of their own, the current ones in the last.
    await page.locator('iframe').last().contentFrame().getByText(shows.details).first().waitFor();
    return {
      text: [history, await textOf(page, shows.hides)].join('\n'),
      received: (await Promise.all(answers.filter((answer) => answer.ok()).map(decoded))).join('\n'),
      statuses: new Set(answers.map((answer) => answer.status())),
    };
  } finally {
    await context.close();
  }
}

/** The text of the page, once it hides what it must: each event is decoded by a request of its own, in no order. */
async function textOf(page: Page, hides?: string): Promise<string> {
  const body = page.locator('body');
  if (hides !== undefined) await until(async () => !(await body.innerText()).includes(hides));
  return body.innerText();
}

async function decoded(answer: Response): Promise<string> {
  const { payloads } = (await answer.json()) as { payloads: { data: string }[] };
  return payloads.map(({ data }) => Buffer.from(data, 'base64').toString('utf8')).join('\n');
}

/** The cookie by which the Web UI's server hands the token to the page when somebody has signed in. */
function signedIn(uiUrl: string, token: string) {
  const user = { AccessToken: token, IDToken: '', Name: 'Operator', Email: '', Picture: '' };
  return {
    name: 'user0',
    value: Buffer.from(JSON.stringify(user)).toString('base64'),
    domain: new URL(uiUrl).hostname,
    path: '/',
    expires: -1,
    httpOnly: false,
    secure: false,
    sameSite: 'Strict' as const,
  };
}

function isDecoding(request: Request): boolean {
  const { origin, pathname } = new URL(request.url());
  return request.method() === 'POST' && origin === codecServer.url && pathname === '/decode';
}

describe("Temporal's Web UI", { timeout: 120_000 }, () => {
  test('shows who is signed in how far a batch is, with personal data masked', async () => {
    const { text, received, statuses } = await visit({
      token: await provider.token(),
      shows: READABLE,
    });
    expect(text).toContain('"externalBatchId": "seen-in-the-web-ui"');
    expect(text).toContain('"emailAddress": "[masked text]"');
    expect(received).toContain(
      `"primaryAccountNumber":"…${RECORD.cards[0]!.primaryAccountNumber.slice(-4)}"`,
    );
    expect(text).not.toContain(CIPHERTEXT);
    for (const value of PERSONAL) expect(text + received).not.toContain(value);
    expect([...statuses]).toEqual([200]);
  });

  test('shows personal data to who has the scope for it', async () => {
    const token = await provider.token({ claims: { scope: 'c2p:unmask' } });
    const { text, received } = await visit({ token, shows: READABLE });
    expect(text).toContain(`"emailAddress": "${RECORD.consumer.emailAddress}"`);
    for (const value of PERSONAL) expect(received).toContain(value);
  });

  const strangers: [who: string, token: TokenChanges | undefined, uiHost: string, statuses: number[]][] = [
    ['who is not signed in', undefined, '127.0.0.1', [401]],
    ['whose token has expired', { expiresIn: -60 }, '127.0.0.1', [401]],
    ['whose token is for another audience', { audience: 'another' }, '127.0.0.1', [401]],
    ['who looks from another origin', {}, 'localhost', []],
  ];
  test.each(strangers)('shows only ciphertext to %s', async (_who, changes, uiHost, expected) => {
    const uiUrl = environment.uiUrl.replace('127.0.0.1', uiHost);
    const token = changes && (await provider.token(changes));
    const { text, received, statuses } = await visit({
      uiUrl,
      ...(token !== undefined && { token }),
      shows: SEALED,
    });
    expect(text).toContain(CIPHERTEXT);
    for (const word of ['"externalBatchId"', 'PROCESSING', 'round 1', ...PERSONAL])
      expect(text).not.toContain(word);
    expect(received).toBe('');
    expect([...statuses]).toEqual(expected);
  });

  test('leaves a line in the audit log for each thing that it was shown, and no content', async () => {
    await visit({ token: await provider.token({ claims: { sub: 'auditor' } }), shows: READABLE });
    const log = await readFile(codecServer.logFile, 'utf8');
    const lines = log.split('\n').filter((line) => line.includes('"who":"auditor"'));
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ event: 'codecRequest', namespace: 'default', status: 200 });
    for (const value of PERSONAL) expect(log).not.toContain(value);
  });
});
