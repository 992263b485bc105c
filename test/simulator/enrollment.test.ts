import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TRIGGERS } from '../../simulator/index.js';
import * as support from './support.js';
import type { Rig } from './support.js';

const { call, control, encrypt, enroll, enrollAndProcess, enrollBody, payloadOf, query, status } = support;

let rig: Rig;
beforeEach(async () => {
  rig = await support.startRig();
});
afterEach(() => rig.close());

const errorSources = (reply: support.Reply) =>
  (reply.json as { errordetail: { source: string; reason: string }[] }).errordetail.map(
    ({ source, reason }) => `${source}: ${reason}`,
  );

describe('enrolling a batch', () => {
  it('is received with 202, is in progress for the processing time, and then has every record', async () => {
    const correlationId = randomUUID();
    const cards = [
      { consumer: 'cust-1', card: 'card-1' },
      { consumer: 'cust-1', card: 'card-2' },
      { consumer: 'cust-2', card: 'card-3' },
    ];
    const body = enrollBody('batch-1', await encrypt(rig, payloadOf(cards)), {
      srcCorrelationId: correlationId,
    });
    const received = await call(rig, 'POST', '/cards/batch', body);
    expect(received.status).toBe(202);
    expect(received.json).toEqual({
      batchId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      externalBatchId: 'batch-1',
      srcCorrelationId: correlationId,
    });
    for (const header of ['x-src-cx-flow-id', 'x-src-response-host', 'correlation-id']) {
      expect(received.headers.get(header)).toBeTruthy();
    }

    const { batchId } = received.json as { batchId: string };
    rig.now.ms += 999;
    expect((await status(rig, batchId)).json).toEqual({
      batchId,
      externalBatchId: 'batch-1',
      batchStatus: 'IN_PROGRESS',
    });
    expect(rig.simulator.enrolledCards()).toEqual([]);

    rig.now.ms += 1;
    const done = await status(rig, batchId);
    expect(done.status).toBe(200);
    const answer = done.json as { batchStatus: string; records: Record<string, string>[] };
    expect(answer.batchStatus).toBe('COMPLETED_SUCCESSFULLY');
    expect(answer.records.map((record) => [record.externalConsumerId, record.externalCardId]).sort()).toEqual(
      [
        ['cust-1', 'card-1'],
        ['cust-1', 'card-2'],
        ['cust-2', 'card-3'],
      ],
    );
    expect(new Set(answer.records.map((record) => record.srcConsumerId)).size).toBe(2);
    expect(new Set(answer.records.map((record) => record.srcDigitalCardId)).size).toBe(3);
    expect(
      rig.simulator
        .enrolledCards()
        .map((card) => card.externalCardId)
        .sort(),
    ).toEqual(['card-1', 'card-2', 'card-3']);
  });

  it("opens what Mastercard's own client-encryption library encrypts", async () => {
    const { JweEncryption } = createRequire(import.meta.url)('mastercard-client-encryption') as {
      JweEncryption: new (config: object) => {
        encrypt(endpoint: string, header: object, body: object): { body: { enrollmentData: string } };
      };
    };
    const library = new JweEncryption({
      paths: [{ path: '/.*', toEncrypt: [{ element: '$', obj: '$' }], toDecrypt: [] }],
      encryptedValueFieldName: 'enrollmentData',
      encryptionCertificate: rig.keys.encryptionCertificate,
    });
    // Its base64url leaves a `/` in most tokens; enough of them show that this does no harm.
    for (let i = 0; i < 5; i += 1) {
      const payload = payloadOf([{ card: `card-${i}` }]);
      const { enrollmentData } = library.encrypt('/batch', {}, payload).body;
      const reply = await call(rig, 'POST', '/cards/batch', enrollBody(`official-${i}`, enrollmentData));
      expect(reply.status).toBe(202);
    }
  });

  it('answers records in another order than they were sent, the same one for the same seed', async () => {
    const cards = Array.from({ length: 20 }, (_, i) => ({ card: `card-${i}` }));
    const orderOf = async (where: Rig) => {
      const reply = await enrollAndProcess(where, 'order', cards);
      return (reply.json as { records: { externalCardId: string }[] }).records.map((r) => r.externalCardId);
    };
    const order = await orderOf(rig);
    expect(order).not.toEqual(cards.map(({ card }) => card));
    const twin = await support.startRig();
    const other = await support.startRig({ seed: 2 });
    try {
      expect(await orderOf(twin)).toEqual(order);
      expect(await orderOf(other)).not.toEqual(order);
    } finally {
      await twin.close();
      await other.close();
    }
  });

  it('gives a consumer the same srcConsumerId in every batch', async () => {
    const idOf = async (batch: string, card: string) => {
      const reply = await enrollAndProcess(rig, batch, [{ consumer: 'cust-1', card }]);
      return (reply.json as { records: { srcConsumerId: string }[] }).records[0]?.srcConsumerId;
    };
    expect(await idOf('a', 'card-1')).toBe(await idOf('b', 'card-2'));
  });

  it('takes 250 cards and refuses 251', async () => {
    const cards = Array.from({ length: 251 }, (_, i) => ({ card: `card-${i}` }));
    expect((await enroll(rig, 'full', cards.slice(1))).status).toBe(202);
    const refused = await enroll(rig, 'overfull', cards);
    expect(refused.status).toBe(400);
    expect(errorSources(refused)).toEqual(['enrollments: INVALID_VALUE']);
  });

  it('refuses an invalid plaintext with one detail per finding and none of its values', async () => {
    const payload = payloadOf([
      { card: 'card-1', pan: '5204731600014781' },
      { card: 'card-2', year: '99' },
    ]);
    const [first, second] = payload.enrollments;
    Object.assign(first?.consumer ?? {}, { lastName: undefined, [support.PLAIN_PAN]: 'x' });
    Object.assign(second?.consumer.mobileNumber ?? {}, { countryCode: '+1' });
    const refused = await call(
      rig,
      'POST',
      '/cards/batch',
      enrollBody('invalid', await encrypt(rig, payload)),
    );
    expect(refused.status).toBe(400);
    expect(refused.json).toMatchObject({ status: 400, reason: 'INVALID_ARGUMENT' });
    expect(errorSources(refused).sort()).toEqual([
      'enrollments[0].cards[0].primaryAccountNumber: INVALID_FORMAT',
      'enrollments[0].consumer.lastName: CANNOT_BE_NULL',
      'enrollments[0].consumer: INVALID_FORMAT',
      'enrollments[1].cards[0].panExpirationYear: INVALID_FORMAT',
      'enrollments[1].consumer.mobileNumber.countryCode: INVALID_FORMAT',
    ]);
    expect(refused.text).not.toMatch(/520473|Ana|\+1/);
    expect(rig.simulator.accepted()).toEqual([]);
  });

  it('refuses expired cards by its own clock, and a card named twice', async () => {
    rig.now.ms = Date.parse('2030-11-01T00:00:00Z');
    const expired = await enroll(rig, 'expired', [{ card: 'card-1' }]);
    expect(errorSources(expired)).toEqual(['enrollments[0].cards[0].panExpirationYear: EXPIRED']);
    rig.now.ms = Date.parse('2030-10-31T23:59:59Z');
    const twice = await enroll(rig, 'twice', [
      { consumer: 'c', card: 'card-1' },
      { consumer: 'c', card: 'card-1' },
    ]);
    expect(errorSources(twice)).toEqual(['enrollments[0].cards[1].externalCardId: MULTIPLE_FOUND']);
  });

  it('refuses an envelope that is not the contract’s', async () => {
    const data = await encrypt(rig, payloadOf([{ card: 'card-1' }]));
    const refusal = async (changes: object) =>
      errorSources(await call(rig, 'POST', '/cards/batch', enrollBody('b', data, changes)));
    expect(await refusal({ srcClientId: undefined })).toEqual(['srcClientId: CANNOT_BE_NULL']);
    expect(await refusal({ externalBatchId: 'with space' })).toEqual(['externalBatchId: INVALID_FORMAT']);
    expect(await refusal({ srcCorrelationId: 'none' })).toEqual(['srcCorrelationId: INVALID_FORMAT']);
    expect(await refusal({ enrollmentData: { enrollments: [] } })).toEqual([
      'enrollmentData: INVALID_FORMAT',
    ]);
    const notJson = await call(rig, 'POST', '/cards/batch', 'plain text');
    expect(errorSources(notJson)).toEqual(['body: INVALID_FORMAT']);
  });

  it('takes the names of later rounds', async () => {
    expect((await enroll(rig, 'batch-1~2', [{ card: 'card-1' }])).status).toBe(202);
    expect((await enroll(rig, 'batch-1~x', [{ card: 'card-1' }])).status).toBe(400);
  });

  it('knows no client or service but its own', async () => {
    const data = await encrypt(rig, payloadOf([{ card: 'card-1' }]));
    const post = (changes: object) => call(rig, 'POST', '/cards/batch', enrollBody('b', data, changes));
    const client = await post({ srcClientId: randomUUID() });
    expect(client.status).toBe(400);
    expect(client.json).toMatchObject({ reason: 'INVALID_STATE' });
    expect(errorSources(client)).toEqual(['srcClientId: NOT_FOUND']);
    const service = await post({ serviceId: 'OTHER' });
    expect(service.status).toBe(400);
    expect(errorSources(service)).toEqual(['serviceId: NOT_FOUND']);
  });
});

describe('the status of a batch', () => {
  it('is 404 NOT_FOUND for a batchId that nobody got', async () => {
    const reply = await status(rig, randomUUID());
    expect(reply.status).toBe(404);
    expect(reply.json).toMatchObject({ status: 404, reason: 'NOT_FOUND' });
  });

  it('shows in the log whether the flow id was sent back', async () => {
    const received = await enroll(rig, 'b', [{ card: 'card-1' }]);
    const { batchId } = received.json as { batchId: string };
    await status(rig, batchId, { 'x-src-cx-flow-id': received.headers.get('x-src-cx-flow-id') ?? '' });
    await status(rig, batchId, { 'x-src-cx-flow-id': 'another' });
    await status(rig, batchId);
    expect(rig.simulator.requests().map(({ operation, flowId }) => [operation, flowId])).toEqual([
      ['enroll', 'absent'],
      ['status', 'returned'],
      ['status', 'foreign'],
      ['status', 'absent'],
    ]);
  });
});

describe('an externalBatchId that was accepted before', () => {
  it('is 409 ALREADY_EXISTS with the batchId, or without it when so set', async () => {
    const first = await enroll(rig, 'b', [{ card: 'card-1' }]);
    const { batchId } = first.json as { batchId: string };
    const again = await enroll(rig, 'b', [{ card: 'card-2' }]);
    expect(again.status).toBe(409);
    expect(again.json).toMatchObject({ reason: 'ALREADY_EXISTS', batchId, externalBatchId: 'b' });

    await control(rig, 'PUT', '/settings', { duplicates: 'withoutBatchId' });
    const silent = await enroll(rig, 'b', [{ card: 'card-1' }]);
    expect(silent.status).toBe(409);
    expect(silent.json).toMatchObject({ reason: 'ALREADY_EXISTS' });
    expect(silent.json).not.toHaveProperty('batchId');
    expect(rig.simulator.accepted()).toHaveLength(1);
  });

  it('is accepted as another batch when so set, as Mastercard never should', async () => {
    const idOf = async (card: string) =>
      ((await enroll(rig, 'b', [{ card }])).json as { batchId: string }).batchId;
    const first = await idOf('card-1');
    await control(rig, 'PUT', '/settings', { duplicates: 'acceptedAgain' });
    const second = await idOf('card-1');
    expect(second).not.toBe(first);
    expect(rig.simulator.accepted().map(({ batchId }) => batchId)).toEqual([first, second]);
    expect((await status(rig, first)).status).toBe(200);
    expect((await status(rig, second)).status).toBe(200);
  });

  it('is remembered as offers of one batch, with a digest that shows whether the bytes were the same', async () => {
    const body = enrollBody('b', await encrypt(rig, payloadOf([{ card: 'card-1' }])));
    await call(rig, 'POST', '/cards/batch', body);
    await call(rig, 'POST', '/cards/batch', body);
    await enroll(rig, 'b', [{ card: 'card-1' }]);
    const offers = rig.simulator.accepted()[0]?.offers ?? [];
    expect(offers.map(({ accepted }) => accepted)).toEqual([true, false, false]);
    expect(offers[1]?.sha256).toBe(offers[0]?.sha256);
    expect(offers[2]?.sha256).not.toBe(offers[0]?.sha256);
  });
});

describe('removing what was enrolled', () => {
  const removal = { reason: 'OTHER', requestor: 'ISSUER' };

  it('takes a card out once, then answers 404; it can be enrolled again', async () => {
    const reply = await enrollAndProcess(rig, 'b', [{ card: 'card-1' }]);
    const { srcDigitalCardId } = (reply.json as { records: { srcDigitalCardId: string }[] }).records[0] ?? {};
    const remove = () => call(rig, 'DELETE', `/cards/${srcDigitalCardId}?${query(removal)}`);
    const removed = await remove();
    expect(removed.status).toBe(200);
    expect(removed.json).toEqual({ srcCorrelationId: expect.any(String) as string });
    expect(rig.simulator.enrolledCards()).toEqual([]);
    expect((await remove()).status).toBe(404);
    await enrollAndProcess(rig, 'b2', [{ card: 'card-1' }]);
    expect(rig.simulator.enrolledCards()).toMatchObject([{ srcDigitalCardId }]);
  });

  it('insists on a requestor and a reason of the contract', async () => {
    const reply = await call(
      rig,
      'DELETE',
      `/cards/x?${query({ reason: 'ROLLBACK', requestor: 'CONSUMER' })}`,
    );
    expect(errorSources(reply)).toEqual(['reason: INVALID_FORMAT', 'requestor: INVALID_FORMAT']);
  });

  it('takes a profile out once its last card is gone', async () => {
    const reply = await enrollAndProcess(rig, 'b', [{ card: 'card-1' }]);
    const [record] = (reply.json as { records: { srcDigitalCardId: string; srcConsumerId: string }[] })
      .records;
    const removeProfile = () =>
      call(rig, 'DELETE', `/profiles?${query({ srcConsumerId: record?.srcConsumerId ?? '' })}`);
    const early = await removeProfile();
    expect([early.status, (early.json as { reason: string }).reason]).toEqual([400, 'INVALID_STATE']);
    await call(rig, 'DELETE', `/cards/${record?.srcDigitalCardId}?${query(removal)}`);
    expect((await removeProfile()).status).toBe(200);
    expect((await removeProfile()).status).toBe(404);
  });
});

describe('the control endpoints', () => {
  it('never tell a card number, a name, an address or a phone number', async () => {
    const pans = Object.values(TRIGGERS.cards).map(({ pan }) => pan);
    await enrollAndProcess(
      rig,
      'b',
      [support.PLAIN_PAN, ...pans].map((pan, i) => ({ card: `card-${i}`, pan })),
    );
    await call(rig, 'POST', '/cards/batch', enrollBody('bad', support.PLAIN_PAN));
    for (const path of ['/health', '/batches', '/cards', '/requests']) {
      const { status: code, text } = await control(rig, 'GET', path);
      expect(code).toBe(200);
      expect(text).not.toMatch(/5204|Ana|example\.com|55555/);
    }
  });

  it('tell every batch with the outcome of every card, by external ids', async () => {
    const cards = [
      { consumer: 'c-1', card: 'k-1' },
      { consumer: 'c-2', card: 'k-2', pan: TRIGGERS.cards.PAN_INELIGIBLE.pan },
      { consumer: 'c-3', card: 'k-3', pan: TRIGGERS.cards.RECORD_MISSING.pan },
    ];
    await enroll(rig, 'b', cards);
    const before = await control(rig, 'GET', '/batches');
    expect(before.json).toMatchObject([
      { externalBatchId: 'b', consumers: 3, cards: 3, batchStatus: 'IN_PROGRESS' },
    ]);
    expect((before.json as { records: object[] }[])[0]?.records[0]).toEqual({
      externalConsumerId: 'c-1',
      externalCardId: 'k-1',
      outcome: 'PENDING',
    });
    await control(rig, 'PUT', '/settings', { processingMs: 0 });
    const after = await control(rig, 'GET', '/batches');
    expect(after.json).toMatchObject([
      {
        batchStatus: 'COMPLETED_WITH_ERRORS',
        records: [{ outcome: 'SUCCESS' }, { outcome: 'PAN_INELIGIBLE' }, { outcome: 'OMITTED' }],
      },
    ]);
  });

  it('refuse settings and faults that are not documented, by path', async () => {
    const settings = await control(rig, 'PUT', '/settings', { duplicates: 'maybe' });
    expect([settings.status, settings.json]).toMatchObject([400, { issues: [{ path: 'duplicates' }] }]);
    const fault = await control(rig, 'POST', '/faults', {
      operation: 'enroll',
      fault: { kind: 'html', status: 1 },
    });
    expect([fault.status, fault.json]).toMatchObject([400, { issues: [{ path: 'fault.status' }] }]);
  });
});

describe('logging', () => {
  it('says method, path template, status and duration, and nothing else', async () => {
    const lines: object[] = [];
    const logged = await support.startRig({ logger: { info: (fields) => lines.push(fields) } });
    try {
      await enrollAndProcess(logged, 'b', [{ card: 'card-1' }]);
    } finally {
      await logged.close();
    }
    const durationMs = expect.any(Number) as number;
    const path = '/src/api/digital/payments/cards/batch';
    expect(lines).toEqual([
      { method: 'POST', route: path, status: 202, durationMs },
      { method: 'GET', route: `${path}/:id`, status: 200, durationMs },
    ]);
  });
});
