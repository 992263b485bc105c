import { ServiceError } from '@temporalio/client';
import { expect, test } from 'vitest';
import { throughOutages } from '../../client/outage.js';

/** As grpc-js makes them. */
function grpcError(code: number): ServiceError {
  const cause = Object.assign(new Error('grpc'), { code, details: 'grpc', metadata: {} });
  return new ServiceError('Failed to query', { cause });
}

const away = grpcError(14);
const quickly = { patienceMs: 60_000, pauseMs: 1 };

test('a question is put again while Temporal is away, and answered when it is back', async () => {
  const answers = [away, away, 'answer'];
  const ask = () => {
    const answer = answers.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };

  expect(await throughOutages(ask, quickly)).toBe('answer');
});

test('a question that Temporal refuses is not put again', async () => {
  let asked = 0;
  const ask = () => {
    asked += 1;
    return Promise.reject(grpcError(5));
  };

  await expect(throughOutages(ask, quickly)).rejects.toThrow(ServiceError);
  expect(asked).toBe(1);
});

test('an outage that outlasts the patience is an error', async () => {
  const ask = () => Promise.reject(away);

  await expect(throughOutages(ask, { patienceMs: 0, pauseMs: 1 })).rejects.toBe(away);
});
