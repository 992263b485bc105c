import { CancelledFailure, CompleteAsyncError } from '@temporalio/activity';
import { ApplicationFailure, DefaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { thrown } from '../support/hostile-errors.js';
import { findLeaks, needlesOf } from '../support/leak-search.js';
import { maskedFailures } from '../../worker/masked-failures.js';

const PAN = '5186001700009726';

/** What an activity fails with that throws this. */
async function failureOf(error: unknown): Promise<unknown> {
  const environment = new MockActivityEnvironment(
    {},
    { interceptors: [maskedFailures], logger: new DefaultLogger('ERROR') },
  );
  return environment
    .run(() => Promise.reject(error as Error))
    .then(
      () => expect.unreachable(),
      (failure: unknown) => failure,
    );
}

describe('what an activity throws', () => {
  test('becomes a failure without card numbers, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(thrown, async ({ error, pans }) => {
        const failure = new DefaultFailureConverter().errorToFailure(
          await failureOf(error),
          defaultPayloadConverter,
        );
        const bytes = Buffer.from(JSON.stringify(failure));
        const needles = pans.flatMap((pan) => needlesOf(pan, pan));
        expect(findLeaks([{ name: 'failure', bytes }], needles)).toEqual([]);
      }),
    );
  });

  test('keeps its type, its causes, its stack and how it is retried', async () => {
    const cause = new RangeError(`of ${PAN}`);
    const failure = ApplicationFailure.create({
      type: 'GatewayUnavailable',
      message: `about ${PAN}`,
      nonRetryable: true,
      nextRetryDelay: '3s',
      details: ['a detail'],
      cause,
    });
    const masked = await failureOf(failure);
    expect(masked).toBeInstanceOf(ApplicationFailure);
    expect(masked).toMatchObject({
      type: 'GatewayUnavailable',
      message: 'about ************9726',
      nonRetryable: true,
      nextRetryDelay: '3s',
      details: ['a detail'],
      cause: { name: 'RangeError', message: 'of ************9726' },
      stack: expect.stringMatching(/^[^\d]*\*{12}9726\n\s+at [^]*masked-failures\.test/) as string,
    });
  });

  test('has the name of its class for a type, and is retried, where it is no failure of Temporal', async () => {
    class StoreError extends Error {
      override readonly name = 'StoreError';
    }
    const failure = await failureOf(new StoreError(`of ${PAN}`));
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({
      type: 'StoreError',
      message: 'of ************9726',
      nonRetryable: false,
    });
  });

  test('is still a cancellation, an abortion or an asynchronous end where it was one', async () => {
    expect(await failureOf(new CancelledFailure('stopped'))).toBeInstanceOf(CancelledFailure);
    expect(await failureOf(new CompleteAsyncError())).toBeInstanceOf(CompleteAsyncError);
    const aborted = AbortSignal.abort().reason as Error;
    expect(await failureOf(aborted)).toMatchObject({ name: 'AbortError', message: aborted.message });
  });
});
