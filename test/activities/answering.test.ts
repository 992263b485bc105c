import { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect, it, vi } from 'vitest';
import { answering } from '../../activities/answering.js';
import { FailureType } from '../../enrollment/errors.js';

const work = vi.fn<(input: string) => Promise<string>>();
const activity = answering({ work }).work;

async function run(call: unknown): Promise<unknown> {
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  return environment
    .run(activity as (call: unknown) => Promise<unknown>, call)
    .catch((error: unknown) => error);
}

it('an activity does nothing for an input that was not written with the key ring', async () => {
  // As `payload-converter.cjs` reads what the codec refused.
  const refused = await run({ [Symbol.for('c2p refused payload')]: 'clear' });
  expect(refused).toMatchObject({ type: FailureType.InputRefused, nonRetryable: true });
  expect(work).not.toHaveBeenCalled();
});

it('an activity answers to its call, also where it fails, and keeps the type of its failure', async () => {
  work.mockResolvedValueOnce('done');
  expect(await run({ call: 'call-1', input: 'x' })).toEqual({ call: 'call-1', result: 'done' });
  work.mockRejectedValueOnce(ApplicationFailure.nonRetryable('why', 'BatchFailed'));
  const failure = { type: 'BatchFailed', message: 'why', nonRetryable: true, details: ['call-2'] };
  expect(await run({ call: 'call-2', input: 'x' })).toMatchObject(failure);
});
