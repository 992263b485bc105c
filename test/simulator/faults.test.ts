import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerOf } from '../../simulator/answers.js';
import { WIRE } from '../../simulator/wire.js';
import type { FaultRequest } from '../../simulator/index.js';
import { call, control, encrypt, enroll, enrollBody, payloadOf, query, startRig, status } from './support.js';
import type { Rig } from './support.js';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const offer = () => enroll(rig, 'batch-1', [{ card: 'card-1' }]);
const accepted = () => rig.simulator.accepted().length;
const askFor = async (request: FaultRequest) => {
  expect((await control(rig, 'POST', '/faults', request)).status).toBe(204);
};
const meet = (fault: FaultRequest['fault']) => askFor({ operation: 'enroll', fault });

describe('a fault', () => {
  it('of kind status answers the error, with Retry-After if asked, and accepts nothing', async () => {
    await meet({ kind: 'status', status: 429, retryAfter: 7 });
    const throttled = await offer();
    expect(throttled.status).toBe(429);
    expect(throttled.headers.get('retry-after')).toBe('7');
    expect(throttled.json).toMatchObject({ status: 429, reason: 'RESOURCE_EXHAUSTED', errordetail: null });
    expect(accepted()).toBe(0);
    expect((await offer()).status).toBe(202);
    expect(rig.simulator.accepted()[0]?.offers.map((one) => one.accepted)).toEqual([false, true]);
  });

  it('of kind status takes a reason and either shape of the gateway', async () => {
    await meet({ kind: 'status', status: 500, reason: 'SYSTEM', shape: 'gatewayA', recoverable: true });
    await meet({ kind: 'status', status: 403, shape: 'gatewayB' });
    expect((await offer()).json).toMatchObject({
      Errors: { Error: [{ Source: 'Gateway', ReasonCode: 'SYSTEM', Recoverable: true }] },
    });
    expect((await offer()).json).toMatchObject({
      Errors: [{ Error: { Source: 'Gateway', ReasonCode: 'PERMISSION_DENIED', Recoverable: false } }],
    });
  });

  it('of kind statusAfter accepts the batch and answers the error', async () => {
    await meet({ kind: 'statusAfter', status: 500 });
    expect((await offer()).status).toBe(500);
    expect(accepted()).toBe(1);
    expect((await offer()).status).toBe(409);
  });

  it('of kind dropBefore breaks the connection and accepts nothing', async () => {
    await meet({ kind: 'dropBefore' });
    await expect(offer()).rejects.toThrow('fetch failed');
    expect(accepted()).toBe(0);
    expect((await offer()).status).toBe(202);
  });

  it('of kind dropAfter accepts the batch and breaks the connection', async () => {
    await meet({ kind: 'dropAfter' });
    await expect(offer()).rejects.toThrow('fetch failed');
    expect(accepted()).toBe(1);
    expect(rig.simulator.requests()).toMatchObject([
      { operation: 'enroll', status: 'dropped', fault: 'dropAfter' },
    ]);
  });

  it.each([false, true])('of kind malformedJson cuts the answer off, accepted: %s', async (wanted) => {
    await meet({ kind: 'malformedJson', accepted: wanted });
    const reply = await offer();
    expect(reply.status).toBe(202);
    expect(reply.headers.get('content-type')).toBe('application/json');
    expect(reply.text).not.toBe('');
    expect(reply.json).toBeUndefined();
    expect(accepted()).toBe(wanted ? 1 : 0);
  });

  it('of kind html answers a page and accepts nothing', async () => {
    await meet({ kind: 'html', status: 502 });
    const reply = await offer();
    expect(reply.status).toBe(502);
    expect(reply.headers.get('content-type')).toContain('text/html');
    expect(reply.text).toContain('<html>');
    expect(accepted()).toBe(0);
  });

  it('of kind delay answers as usual, later', async () => {
    await meet({ kind: 'delay', ms: 20 });
    expect((await offer()).status).toBe(202);
    expect(rig.simulator.requests()).toMatchObject([{ status: 202, fault: 'delay' }]);
  });

  it('of kind delay ends without the call being carried out when the simulator closes', async () => {
    const closing = new AbortController();
    const deed = vi.fn(() => ({ body: {} }));
    const answer = answerOf(
      deed,
      { ...WIRE, success: 202 },
      { kind: 'delay', ms: 3_600_000 },
      closing.signal,
    );
    closing.abort();
    expect(await answer).toBe('dropped');
    expect(deed).not.toHaveBeenCalled();
  });

  it('meets as many calls as asked, of its operation only, in the order asked', async () => {
    await askFor({ operation: 'status', times: 2, fault: { kind: 'status', status: 503 } });
    await askFor({ operation: 'any', fault: { kind: 'status', status: 504 } });
    const enrolled = await offer();
    expect(enrolled.status).toBe(504);
    const { batchId } = (await offer()).json as { batchId: string };
    const answered = [];
    for (let i = 0; i < 3; i += 1) answered.push((await status(rig, batchId)).status);
    expect(answered).toEqual([503, 503, 200]);
  });

  it('can meet the removal of a card and of a profile', async () => {
    await askFor({ operation: 'deleteCard', fault: { kind: 'status', status: 503 } });
    await askFor({ operation: 'deleteProfile', fault: { kind: 'status', status: 502 } });
    const card = await call(rig, 'DELETE', `/cards/x?${query({ reason: 'OTHER', requestor: 'ISSUER' })}`);
    const profile = await call(rig, 'DELETE', `/profiles?${query({ srcConsumerId: 'x' })}`);
    expect([card.status, profile.status]).toEqual([503, 502]);
  });

  it('waits for a call that is signed and readable', async () => {
    await meet({ kind: 'status', status: 503 });
    expect((await call(rig, 'POST', '/cards/batch', '{}')).status).toBe(400);
    const body = enrollBody('b', await encrypt(rig, payloadOf([{ card: 'card-1' }])));
    expect((await call(rig, 'POST', '/cards/batch', body, { authorization: null })).status).toBe(401);
    expect((await offer()).status).toBe(503);
  });

  it('is forgotten when the faults are cleared', async () => {
    await askFor({ operation: 'any', times: 9, fault: { kind: 'status', status: 503 } });
    expect((await control(rig, 'DELETE', '/faults')).status).toBe(204);
    expect((await offer()).status).toBe(202);
  });
});
