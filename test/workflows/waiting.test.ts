import { expect, test, vi } from 'vitest';
import { Running } from '../../workflows/waiting.js';

const run = vi.hoisted(() => ({ historyLength: 0, whileItWaits: () => {} }));
vi.mock('@temporalio/workflow', () => ({
  allHandlersFinished: () => true,
  condition: () => Promise.resolve(run.whileItWaits()),
  workflowInfo: () => ({ historyLength: run.historyLength, continueAsNewSuggested: false }),
}));

/** What the next run begins with, where there is one. */
async function handedOver(events: number, meanwhile: (running: Running<string>) => void = () => {}) {
  const next: string[] = [];
  const running = new Running('as it was', {
    show: () => {},
    publish: () => {},
    continueWith: (state) => {
      next.push(state);
      return Promise.reject(new Error('this run is over'));
    },
    historyLimit: 100,
  });
  run.historyLength = events;
  run.whileItWaits = () => meanwhile(running);
  await running.handOverWhenLong().catch(() => {});
  return next;
}

test('a run hands over when its history is long, and not before', async () => {
  expect(await handedOver(99)).toEqual([]);
  expect(await handedOver(100)).toEqual(['as it was']);
});

test('what is asked of a run while it waits for its handlers to finish goes on in the next', async () => {
  const asked = await handedOver(100, (running) => running.become('as it was asked for'));
  expect(asked).toEqual(['as it was asked for']);
});
