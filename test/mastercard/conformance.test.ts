import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { ASSUMPTION_NAMES, type AssumptionName } from '../../mastercard/api/assumptions.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import { runConformance, type ConformanceOptions } from '../../mastercard/conformance/session.js';
import { encryptEnrollmentData } from '../../mastercard/jwe.js';
import { loadEncryptionKey, loadSigningKey } from '../../mastercard/keys.js';
import { SignedCaller } from '../../mastercard/signed-call.js';
import { DEVIATIONS, deviating, type DeviationName } from '../../simulator/deviations.js';
import { TRIGGERS, type Simulator, type SimulatorOptions } from '../../simulator/index.js';
import { testRecord } from '../support/records.js';
import { sandboxKeysIn } from '../support/sandbox-keys.js';
import { tickingSimulator } from '../support/ticking-simulator.js';

let folder: string;
let credentials: SimulatorOptions['credentials'][number];
let access: Pick<ConformanceOptions, 'encrypt'> & { signingKey: Awaited<ReturnType<typeof loadSigningKey>> };
const agent = new Agent();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-conformance-'));
  const sandbox = await sandboxKeysIn(folder);
  ({ credentials } = sandbox);
  const recipient = await loadEncryptionKey({ path: sandbox.keys.encryptionCertificate });
  access = {
    signingKey: await loadSigningKey({ path: sandbox.keys.signingKey }, {}),
    encrypt: (plaintext) => encryptEnrollmentData(plaintext, recipient, 'A128GCM'),
  };
});
afterAll(async () => {
  await agent.close();
  await rm(folder, { recursive: true });
});

/** One card that is enrolled, with an address, and one that is declined. */
function testCards(): EnrollmentRecord[] {
  const [enrolled, declined] = [testRecord(1), testRecord(2)];
  enrolled.cards[0]!.billingAddress = { line1: '1 Main St', countryCode: 'US', zip: '08820' };
  declined.cards = [{ ...declined.cards[0]!, primaryAccountNumber: TRIGGERS.cards.PAN_INELIGIBLE.pan }];
  return [enrolled, declined];
}

async function simulatorWith(options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const simulator = await tickingSimulator({ credentials: [credentials], ...options });
  onTestFinished(() => simulator.close());
  return simulator;
}

async function conform({ baseUrl }: Pick<Simulator, 'baseUrl'>, changes: Partial<ConformanceOptions> = {}) {
  const { signingKey, encrypt } = access;
  const { srcClientId, serviceId, consumerKey } = credentials;
  const titles: string[] = [];
  const result = await runConformance({
    api: batchEnroll,
    caller: new SignedCaller({ api: batchEnroll, baseUrl, consumerKey, signingKey }, agent),
    srcClientId,
    serviceId,
    encrypt,
    records: testCards(),
    pollEvery: 10,
    pollFor: 2_000,
    confirm: (step) => Promise.resolve(titles.push(step.title) > 0),
    onExchange: () => {},
    ...changes,
  });
  const having = (verdict: string) =>
    result.verdicts.filter((one) => one.verdict === verdict).map(({ assumption }) => assumption);
  return { ...result, titles, contradicted: having('contradicted'), notSeen: having('notSeen') };
}

describe('a session with a Mastercard that follows the contract', () => {
  test('confirms what it sees, contradicts nothing, and leaves nothing enrolled', async () => {
    const simulator = await simulatorWith();
    const { contradicted, notSeen, stopped, left, titles } = await conform(simulator);
    expect({ contradicted, notSeen, stopped, left }).toEqual({
      contradicted: [],
      notSeen: ['maxCards'],
      stopped: undefined,
      left: [],
    });
    expect(titles).toHaveLength(5);
    expect(simulator.enrolledCards()).toEqual([]);
  });

  test('sends nothing that was not agreed to', async () => {
    const simulator = await simulatorWith();
    const { stopped, verdicts } = await conform(simulator, {
      confirm: ({ title }) => Promise.resolve(!title.startsWith('Enroll')),
    });
    expect(stopped).toContain('not agreed to: Enroll 2 test cards');
    expect(simulator.accepted()).toEqual([]);
    expect(verdicts.find(({ assumption }) => assumption === 'unknownBatch')?.verdict).toBe('confirmed');
  });
});

test('a second batch that Mastercard makes of the same cards is waited for before any card is removed', async () => {
  const simulator = await simulatorWith(deviating('duplicate2'));
  const calls: string[] = [];
  await conform(simulator, {
    onExchange: ({ request }) => void calls.push(`${request.method} ${request.path}`),
  });
  const [first, second, ...others] = simulator
    .accepted()
    .map(({ batchId }) => calls.lastIndexOf(`GET /cards/batch/${batchId}`));
  const removal = calls.findIndex((call) => call.startsWith('DELETE'));
  expect(others).toEqual([]);
  expect(first).toBeGreaterThan(0);
  expect(second).toBeGreaterThan(first!);
  expect(removal).toBeGreaterThan(second!);
});

const OF: Partial<Record<DeviationName, AssumptionName>> = { duplicate2: 'duplicate' };

test.each(Object.keys(DEVIATIONS) as DeviationName[])(
  'a Mastercard that deviates in %s contradicts that, and nothing else',
  async (name) => {
    const result = await conform(await simulatorWith(deviating(name)));
    expect(result.contradicted).toEqual([OF[name] ?? name]);
    const { came } = result.verdicts.find(({ verdict }) => verdict === 'contradicted')!;
    expect(came).not.toBe('');
  },
);

test('every assumption but those that a session cannot show has a deviation', () => {
  const deviations = new Set<string>(Object.keys(DEVIATIONS));
  expect(ASSUMPTION_NAMES.filter((name) => !deviations.has(name))).toEqual(['flowId', 'correlationId']);
});
