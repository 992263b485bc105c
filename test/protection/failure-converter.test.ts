import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import {
  decodeOptionalFailureToOptionalError,
  encodeErrorToFailure,
} from '@temporalio/common/lib/internal-non-workflow/codec-helpers.js';
import { loadDataConverter } from '@temporalio/common/lib/internal-non-workflow/data-converter-helpers.js';
import proto from '@temporalio/proto';
import { expect, it } from 'vitest';
import { protectedDataConverter } from '../../protection/data-converter.js';
import { KeyRing } from '../../protection/key-ring.js';

const FailureProto = proto.temporal.api.failure.v1.Failure;
const SECRET = 'cust-0001';
const keyRing = KeyRing.parse(KeyRing.generate(), 'test');
const converter = loadDataConverter(protectedDataConverter(keyRing));

it('a failure shows its type, and neither message, stack, details nor those of its cause', async () => {
  const cause = new Error(`inner ${SECRET}`);
  const error = ApplicationFailure.create({ type: 'BatchFailed', message: SECRET, details: [SECRET], cause });
  const failure = await encodeErrorToFailure(converter, error);
  const bytes = Buffer.from(FailureProto.encode(failure).finish());
  expect(bytes.includes('BatchFailed')).toBe(true);
  for (const hidden of [SECRET, 'failure-converter.test']) expect(bytes.includes(hidden), hidden).toBe(false);

  const read = await decodeOptionalFailureToOptionalError(converter, failure);
  expect(read).toMatchObject({ message: SECRET, type: 'BatchFailed', details: [SECRET] });
  expect(read?.stack).toContain('failure-converter.test');
  expect(read?.cause).toMatchObject({ message: `inner ${SECRET}` });
});

it('a failure that was written before there was a codec is read', async () => {
  const failure = {
    message: 'it failed',
    applicationFailureInfo: {
      type: 'BatchFailed',
      details: { payloads: [defaultPayloadConverter.toPayload('detail')] },
    },
  };
  expect(await decodeOptionalFailureToOptionalError(converter, failure)).toMatchObject({
    message: 'it failed',
    type: 'BatchFailed',
    details: ['detail'],
  });
});
