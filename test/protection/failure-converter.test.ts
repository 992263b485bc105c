import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import {
  decodeOptionalFailureToOptionalError,
  encodeErrorToFailure,
} from '@temporalio/common/lib/internal-non-workflow/codec-helpers.js';
import { loadDataConverter } from '@temporalio/common/lib/internal-non-workflow/data-converter-helpers.js';
import proto from '@temporalio/proto';
import { expect, it } from 'vitest';
import { protectedDataConverter } from '../../protection/data-converter.js';
import { testRing } from '../support/key-rings.js';

const FailureProto = proto.temporal.api.failure.v1.Failure;
const SECRET = 'cust-0001';
const keyRing = testRing(1);
const WORKFLOW = { type: 'workflow', namespace: 'default', workflowId: 'any' } as const;
const converter = loadDataConverter(protectedDataConverter(keyRing));

it('a failure shows its type, and neither message, stack, details nor those of its cause', async () => {
  const cause = new Error(`inner ${SECRET}`);
  const error = ApplicationFailure.create({ type: 'BatchFailed', message: SECRET, details: [SECRET], cause });
  const failure = await encodeErrorToFailure(converter, error, WORKFLOW);
  const bytes = Buffer.from(FailureProto.encode(failure).finish());
  expect(bytes.includes('BatchFailed')).toBe(true);
  for (const hidden of [SECRET, 'failure-converter.test']) expect(bytes.includes(hidden), hidden).toBe(false);

  const read = await decodeOptionalFailureToOptionalError(converter, failure, WORKFLOW);
  expect(read).toMatchObject({ message: SECRET, type: 'BatchFailed', details: [SECRET] });
  expect(read?.stack).toContain('failure-converter.test');
  expect(read?.cause).toMatchObject({ message: `inner ${SECRET}` });
});

it('a failure that nobody with the key ring wrote has no type that says anything', async () => {
  const failure = { message: 'it failed', applicationFailureInfo: { type: 'InputRefused' } };
  expect(await decodeOptionalFailureToOptionalError(converter, failure, WORKFLOW)).toMatchObject({
    message: 'it failed',
    type: 'FailureRefused',
  });
  const encodedAttributes = defaultPayloadConverter.toPayload({ message: 'it failed' });
  const inClear = { ...failure, encodedAttributes };
  await expect(decodeOptionalFailureToOptionalError(converter, inClear, WORKFLOW)).rejects.toMatchObject({
    reason: 'clear',
  });
});
