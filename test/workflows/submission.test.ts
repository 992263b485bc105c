import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { BatchStatusValue } from '../support/scripted-gateway.js';
import { GatewayFailure, type FailureFacts } from '../../mastercard/errors.js';
import type { SubmissionReceipt } from '../../mastercard/gateway.js';
import { PROGRAM, Rig } from '../support/rig.js';
import { testRecords } from '../support/records.js';
import { report, ScriptedGateway, success } from '../support/scripted-gateway.js';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.create();
});
afterAll(() => rig.close());

const accepted: SubmissionReceipt = { batchId: 'mc-1' };

function refusal(facts: Omit<FailureFacts, 'operation'>): GatewayFailure {
  return new GatewayFailure({ operation: 'submitBatch', ...facts });
}

/** Enrolls one card; Mastercard answers the submissions as written down and then processes the batch at once. */
async function enrollAgainst(
  answers: (SubmissionReceipt | GatewayFailure)[],
  policy = {},
): Promise<{ batch: EnrollmentBatch; gateway: ScriptedGateway; id: string; elapsedMs: number }> {
  const id = rig.nextBatchId('submission');
  const gateway = new ScriptedGateway({
    submit: answers,
    status: [report(id, BatchStatusValue.completed, [success('cust-1', 'card-100')])],
  });
  return rig.running(gateway, async (client) => {
    const before = await rig.env.currentTimeMs();
    const batch = await client.enroll({
      externalBatchId: id,
      program: PROGRAM,
      records: testRecords(1),
      policy,
    });
    await batch.result();
    return { batch, gateway, id, elapsedMs: (await rig.env.currentTimeMs()) - before };
  });
}

describe('a submission that is known not to have been accepted', () => {
  test.each([
    ['429 RESOURCE_EXHAUSTED', { kind: 'notAccepted', httpStatus: 429, reason: 'RESOURCE_EXHAUSTED' }],
    ['503 UNAVAILABLE', { kind: 'notAccepted', httpStatus: 503, reason: 'UNAVAILABLE' }],
    ['a connection that was refused', { kind: 'notSent', problem: 'ECONNREFUSED' }],
  ] as const)('is submitted again after %s, and the batch completes', async (_name, facts) => {
    const { batch, gateway } = await enrollAgainst([refusal(facts), refusal(facts), accepted]);

    expect((await batch.result()).status).toBe('COMPLETED');
    expect(gateway.submissions).toHaveLength(3);
  });

  test('waits for as long as Retry-After asks', async () => {
    const { batch, elapsedMs } = await enrollAgainst([
      refusal({ kind: 'notAccepted', httpStatus: 429, retryAfterMs: 3_600_000 }),
      accepted,
    ]);

    expect((await batch.result()).status).toBe('COMPLETED');
    expect(elapsedMs).toBeGreaterThanOrEqual(3_600_000);
  });

  test('fails with BatchFailed, nothing sent, when it is still not accepted at the deadline', async () => {
    const { batch, gateway } = await enrollAgainst([refusal({ kind: 'notAccepted', httpStatus: 503 })], {
      submission: { deadline: '1h' },
    });

    expect(await batch.result()).toMatchObject({
      status: 'FAILED',
      failure: 'BatchFailed',
      counts: { unreported: 1 },
    });
    expect((await batch.outcomes())[0]).toMatchObject({ status: 'UNREPORTED', reason: 'NOT_SENT' });
    expect(gateway.submissions.length).toBeGreaterThan(5);
  });
});

describe('a submission whose fate is unknown', () => {
  test.each([
    ['500', { kind: 'unknown', httpStatus: 500 }],
    ['502', { kind: 'unknown', httpStatus: 502 }],
    ['504', { kind: 'unknown', httpStatus: 504 }],
    ['a lost connection', { kind: 'unknown', problem: 'ECONNRESET' }],
  ] as const)(
    'is sent again after %s: the same bytes under the same externalBatchId',
    async (_name, facts) => {
      const { batch, gateway, id } = await enrollAgainst([refusal(facts), accepted]);

      expect((await batch.result()).status).toBe('COMPLETED');
      const [first, second] = gateway.submissions;
      expect(gateway.submissions).toHaveLength(2);
      expect(first).toMatchObject({ externalBatchId: id });
      expect({ ...second, at: 0 }).toEqual({ ...first, at: 0 });
    },
  );

  test('and that is accepted as if it were new is in the reasons: Mastercard may have it twice', async () => {
    const { batch } = await enrollAgainst([refusal({ kind: 'unknown', httpStatus: 504 }), accepted]);

    expect(await batch.result()).toMatchObject({
      status: 'COMPLETED',
      reasons: [
        expect.stringMatching(/^Mastercard may have accepted each of 2 submissions of round 1, .* as mc-1/),
      ],
    });
  });

  test('that was not in doubt leaves nothing to tell', async () => {
    const throttled = refusal({ kind: 'notAccepted', httpStatus: 429 });
    const { batch } = await enrollAgainst([throttled, accepted]);

    expect((await batch.result()).reasons).toEqual([]);
  });

  test('is settled by an ALREADY_EXISTS that names the batchId', async () => {
    const { batch } = await enrollAgainst([
      refusal({ kind: 'unknown', httpStatus: 504 }),
      refusal({ kind: 'duplicate', httpStatus: 409, reason: 'ALREADY_EXISTS', batchId: 'mc-1' }),
    ]);

    expect(await batch.result()).toMatchObject({ status: 'COMPLETED', batchIds: ['mc-1'], reasons: [] });
  });
});

describe('a submission that Mastercard refuses', () => {
  test.each(['INVALID_ARGUMENT', 'INVALID_STATE'])(
    'closes the batch as REJECTED after 400 %s, with the reasons, and is not repeated',
    async (reason) => {
      const { batch, gateway } = await enrollAgainst([
        refusal({
          kind: 'refused',
          httpStatus: 400,
          reason,
          details: [{ reason: 'CANNOT_BE_NULL', source: 'srcClientId' }],
        }),
      ]);

      expect(await batch.result()).toMatchObject({ status: 'REJECTED', counts: { failed: 1 } });
      expect((await batch.outcomes())[0]).toMatchObject({
        status: 'FAILED',
        reason,
        details: [{ code: 'CANNOT_BE_NULL', path: 'srcClientId' }],
      });
      expect(gateway.submissions).toHaveLength(1);
    },
  );

  test.each([401, 403])(
    'fails with ConfigurationInvalid after %i, and is not repeated',
    async (httpStatus) => {
      const { batch, gateway, id } = await enrollAgainst([refusal({ kind: 'configuration', httpStatus })]);

      expect(await batch.result()).toMatchObject({ status: 'FAILED', failure: 'ConfigurationInvalid' });
      await expect(rig.workflow(id).result()).rejects.toMatchObject({
        cause: { type: 'ConfigurationInvalid' },
      });
      expect(gateway.submissions).toHaveLength(1);
      expect(await rig.blobs(id)).toEqual(['closed', 'offered-1', 'outcomes']);
    },
  );
});
