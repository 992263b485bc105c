import { rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { recipientMark } from '../../mastercard/jwe.js';
import { LiveEncryptionKey, type LoadedEncryptionKey } from '../../mastercard/keys.js';
import { certificate, KeyFolder, pem, rsaKeyPair, type KeyPair } from './key-files.js';

const MINUTE_MS = 60_000;

const [own, old, fresh] = [rsaKeyPair(), rsaKeyPair(), rsaKeyPair()];
const folder = new KeyFolder();
afterAll(() => folder.remove());

let changes: string[];
let problems: string[];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-24T12:00:00Z') });
  changes = [];
  problems = [];
});
afterEach(() => vi.useRealTimers());

function later(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

function open(source: Parameters<typeof LiveEncryptionKey.open>[0]): Promise<LiveEncryptionKey> {
  return LiveEncryptionKey.open(source, own.privateKey, {
    onChange: ({ kid }) => changes.push(kid),
    onProblem: ({ code }) => problems.push(code),
  });
}

describe("Mastercard's key from a key set", () => {
  let server: Server;
  let jwksUrl: string;
  let asked = 0;
  let answer: { status: number; members: [kid: string, pair: KeyPair][] };
  beforeAll(async () => {
    server = createServer((_request, response) => {
      asked += 1;
      const keys = answer.members.map(([kid, { publicKey }]) => ({
        ...publicKey.export({ format: 'jwk' }),
        use: 'enc',
        kid,
      }));
      response.writeHead(answer.status).end(JSON.stringify({ keys }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    asked = 0;
    answer = { status: 200, members: [['old', old]] };
  });

  const kidOf = (key: LoadedEncryptionKey) => key.kid;

  test('is fetched once for all that is encrypted within ten minutes, and then again', async () => {
    const live = await open({ jwksUrl });
    for (let minute = 0; minute < 10; minute += 1) {
      await live.latest();
      later(MINUTE_MS);
    }
    expect(asked).toBe(1);

    answer.members = [['fresh', fresh]];
    later(1);
    expect((await Promise.all([live.latest(), live.latest()])).map(kidOf)).toEqual(['fresh', 'fresh']);
    expect(asked).toBe(2);
    expect(changes).toEqual(['fresh']);
    expect(live.readAt).toEqual(new Date());
  });

  test('is fetched at once for who has reason to think that it has changed', async () => {
    const live = await open({ jwksUrl });
    const mark = recipientMark(await live.latest());
    answer.members = [['fresh', fresh]];

    expect((await live.latest(mark)).kid).toBe('fresh');
    expect((await live.latest(mark)).kid).toBe('fresh');
    expect(asked).toBe(2);
  });

  test('is not fetched at every such call, but after half a minute', async () => {
    const live = await open({ jwksUrl });
    const mark = recipientMark(await live.latest());
    for (let call = 0; call < 100; call += 1) await live.latest(mark);
    expect(asked).toBe(2);

    later(30_001);
    await live.latest(mark);
    expect(asked).toBe(3);
  });

  test('stays in use while the set cannot be fetched, which is reported once and tried twice a minute', async () => {
    const live = await open({ jwksUrl });
    const { readAt } = live;
    answer.status = 503;
    later(11 * MINUTE_MS);
    for (let call = 0; call < 100; call += 1) {
      expect((await live.latest()).kid).toBe('old');
      later(1_000);
    }
    expect(asked).toBe(1 + 4);
    expect(problems).toEqual(['KEY_SET_UNAVAILABLE']);
    expect(live.readAt).toEqual(readAt);

    answer = { status: 200, members: [['fresh', fresh]] };
    later(30_000);
    expect((await live.latest()).kid).toBe('fresh');
  });

  test('that could not be fetched at the start is fetched when it is needed, and not at every call', async () => {
    answer.status = 503;
    const live = await open({ jwksUrl });
    expect(live.readAt).toBeUndefined();
    await expect(live.latest()).rejects.toMatchObject({ code: 'KEY_SET_UNAVAILABLE' });
    expect(asked).toBe(1);
    expect(live.fitsKid).toBe(false);

    answer.status = 200;
    later(30_001);
    expect((await live.latest()).kid).toBe('old');
    expect(live.fitsKid).toBe(true);
  });

  test('of another kid than the configured one is refused at the start', async () => {
    await expect(open({ jwksUrl, kid: 'fresh' })).rejects.toMatchObject({ code: 'KEY_ID_UNKNOWN' });
  });

  test('stays in use when the set has the configured kid no more, and is said not to fit', async () => {
    const live = await open({ jwksUrl, kid: 'old' });
    expect(live.fitsKid).toBe(true);
    answer.members = [['fresh', fresh]];
    later(11 * MINUTE_MS);
    expect((await live.latest()).kid).toBe('old');
    expect(live.fitsKid).toBe(false);
    expect(problems).toEqual(['KEY_ID_UNKNOWN']);
  });

  test("is not taken where it is the issuer's own", async () => {
    const live = await open({ jwksUrl });
    answer.members = [['own', own]];
    later(11 * MINUTE_MS);
    expect((await live.latest()).kid).toBe('old');
    expect(problems).toEqual(['KEY_UNSUITABLE']);
    await expect(open({ jwksUrl })).rejects.toMatchObject({ code: 'KEY_UNSUITABLE' });
  });

  test('is fetched again after the clock was set back', async () => {
    const live = await open({ jwksUrl });
    later(-24 * 60 * MINUTE_MS);
    await live.latest();
    expect(asked).toBe(2);
  });
});

describe("Mastercard's key from a file", () => {
  test('is another one as soon as the file is', async () => {
    const path = folder.write('mastercard.pem', certificate(old));
    const live = await open({ path });
    folder.write('mastercard.pem', certificate(fresh));
    later(1_001);
    expect((await live.latest()).key.equals(fresh.publicKey)).toBe(true);
    expect(changes).toHaveLength(1);
  });

  test('is read again for a renewed certificate of the same key, which is no other key', async () => {
    const path = folder.write('renewed.pem', certificate(old, { to: new Date('2027-01-01') }));
    const live = await open({ path });
    folder.write('renewed.pem', certificate(old, { to: new Date('2029-01-01') }));
    later(1_001);
    expect((await live.latest()).certificate?.validTo).toContain('2029');
    expect(changes).toEqual([]);
  });

  test('stays in use while the file is away, half written, or something else', async () => {
    const path = folder.write('vanishing.pem', certificate(old));
    const live = await open({ path });
    const spoil = [
      () => rmSync(path),
      () => folder.write('vanishing.pem', certificate(old).slice(0, 300)),
      () => folder.write('vanishing.pem', pem(old.privateKey, 'pkcs8')),
    ];
    for (const spoiled of spoil) {
      spoiled();
      later(1_001);
      expect((await live.latest()).key.equals(old.publicKey)).toBe(true);
    }
    expect(problems).toEqual(['KEY_FILE_UNREADABLE', 'KEY_FORMAT_UNKNOWN', 'KEY_UNSUITABLE']);
  });

  test('that is none is refused at the start', async () => {
    await expect(open({ path: '/nowhere/mastercard.pem' })).rejects.toMatchObject({
      code: 'KEY_FILE_UNREADABLE',
    });
  });

  test('in doubt about its kid is used, and said not to fit', async () => {
    const path = folder.write('doubtful.pem', certificate(old));
    expect((await open({ path, kid: 'f'.repeat(64) })).fitsKid).toBe(false);
    expect((await open({ path, kid: 'mine' })).fitsKid).toBe(true);
  });
});

test('recipients differ by key and by kid', () => {
  const marks = [
    { kid: 'a', key: old.publicKey },
    { kid: 'b', key: old.publicKey },
    { kid: 'a', key: fresh.publicKey },
  ].map(recipientMark);
  expect(new Set(marks).size).toBe(3);
  expect(recipientMark({ kid: 'a', key: old.publicKey })).toBe(marks[0]);
});
