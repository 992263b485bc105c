import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ProgramConfig } from '../../config/config.js';
import { loadConfig } from '../../config/load.js';
import { writeSandboxConfig } from '../../dev/sandbox.js';
import { checkGateway } from '../../doctor/gateway.js';
import { loadSigningKey } from '../../mastercard/keys.js';
import { createSimulator, type Simulator } from '../../simulator/index.js';
import { pem, rsaKeyPair } from '../mastercard/key-files.js';
import { sandboxKeysIn } from '../support/sandbox-keys.js';

let folder: string;
let program: ProgramConfig;
let simulator: Simulator;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-doctor-'));
  const keys = await sandboxKeysIn(folder);
  simulator = await createSimulator({ credentials: [keys.credentials] });
  const { configPath } = await writeSandboxConfig(keys, { baseUrl: simulator.baseUrl });
  program = (await loadConfig(configPath)).programs.demo!;
});
afterEach(() => simulator.clearFaults());
afterAll(async () => {
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
});

async function ask(changes: Partial<ProgramConfig> = {}, signingKey?: string) {
  const key = signingKey ? createPrivateKey(signingKey) : await loadSigningKey(program.signingKey, {});
  return checkGateway('demo', { ...program, ...changes }, key);
}

describe('asked about a batch that does not exist,', () => {
  test('a gateway that answers NOT_FOUND is well, is asked once, and its clock is ours', async () => {
    const before = simulator.requests().length;
    expect(await ask()).toMatchObject([
      { check: 'clock', program: 'demo', status: 'ok' },
      { check: 'gateway', program: 'demo', status: 'ok' },
    ]);
    const calls = simulator.requests().slice(before);
    expect(calls).toMatchObject([{ operation: 'status' }]);
  });

  test('one that does not know our signature says to look at the keys', async () => {
    const [, gateway] = await ask({}, pem(rsaKeyPair().privateKey, 'pkcs8'));
    expect(gateway).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('answers 401 OAUTH_SIGNATURE_INVALID') as string,
      todo: expect.stringContaining('fingerprint of the signing key') as string,
    });
  });

  test.each([
    ['srcClientId', '00000000-0000-4000-8000-000000000000'],
    ['serviceId', 'OTHER'],
  ])('one that does not know %s says to look at the ids, and which', async (field, value) => {
    const [, gateway] = await ask({ [field]: value });
    expect(gateway).toMatchObject({
      status: 'failed',
      found: expect.stringContaining(`(${field})`) as string,
      todo: expect.stringContaining('check srcClientId and serviceId') as string,
    });
  });

  test('one at another path is a wrong baseUrl, although it answers 404', async () => {
    const [, gateway] = await ask({ baseUrl: `${simulator.baseUrl}/elsewhere` });
    expect(gateway).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('404') as string,
      todo: expect.stringContaining('check baseUrl') as string,
    });
  });

  test('one that throttles is a warning, one that has a problem fails', async () => {
    simulator.fault({ operation: 'status', fault: { kind: 'status', status: 429 } });
    expect((await ask())[1]).toMatchObject({ status: 'warning' });
    simulator.fault({ operation: 'status', fault: { kind: 'status', status: 500 } });
    expect((await ask())[1]).toMatchObject({ status: 'failed' });
  });

  test('one that is somebody else, as a proxy that answers every question with a page, is a wrong baseUrl', async () => {
    simulator.fault({ operation: 'status', fault: { kind: 'html', status: 200 } });
    expect((await ask())[1]).toMatchObject({
      status: 'failed',
      todo: expect.stringContaining('check baseUrl') as string,
    });
  });

  test('nobody, because nobody listens or it does not speak TLS, is distinguished', async () => {
    const [clock, refused] = await ask({ baseUrl: 'http://127.0.0.1:9' });
    expect(clock).toMatchObject({ status: 'skipped' });
    expect(refused).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('ECONNREFUSED') as string,
      todo: expect.stringContaining('no connection') as string,
    });
    const [, tls] = await ask({ baseUrl: simulator.baseUrl.replace('http:', 'https:') });
    expect(tls).toMatchObject({ status: 'failed', todo: expect.stringContaining('TLS') as string });
  });
});

describe('the clock', () => {
  let server: Server;
  let answer: (response: ServerResponse) => void;
  let baseUrl: string;
  beforeAll(async () => {
    server = createServer((_request, response) => answer(response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  /** A server whose clock is so many seconds ahead. */
  function skewed(seconds: number, status = 404, body: object = { status: 404, reason: 'NOT_FOUND' }) {
    answer = (response) => {
      const date = new Date(Date.now() + seconds * 1000).toUTCString();
      response.writeHead(status, { date, 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    return ask({ baseUrl });
  }

  test.each([
    [0, 'ok'],
    [20, 'ok'],
    [-20, 'ok'],
    [120, 'warning'],
    [-120, 'warning'],
    [400, 'failed'],
    [-400, 'failed'],
  ])('of a server that is %i s ahead is %s', async (seconds, status) => {
    expect(await skewed(seconds)).toMatchObject([{ check: 'clock', status }, { status: 'ok' }]);
  });

  test('says in which direction ours is wrong', async () => {
    expect((await skewed(400))[0].found).toMatch(/^is (399|400) s behind the server's$/);
    expect((await skewed(-400))[0].found).toMatch(/^is (399|400|401) s ahead of the server's$/);
  });

  test('that is wrong explains a 401, which is then no reason to look at the keys', async () => {
    const refusal = { Errors: { Error: [{ ReasonCode: 'OAUTH_TIMESTAMP_REFUSED', Recoverable: false }] } };
    expect(await skewed(400, 401, refusal)).toMatchObject([
      { check: 'clock', status: 'failed' },
      { check: 'gateway', status: 'skipped' },
    ]);
  });

  test('of an answer without a date is not judged', async () => {
    answer = (response) => {
      response.sendDate = false;
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"reason":"NOT_FOUND"}');
    };
    expect(await ask({ baseUrl })).toMatchObject([{ status: 'skipped' }, { status: 'ok' }]);
  });
});
