import { expect, test, vi } from 'vitest';
import { Running } from '../../workflows/waiting.js';

const run = vi.hoisted(() => ({
  historyLength: 0,
  whileItWaits: () => {},
  continueAsNew: vi.fn(() => Promise.reject(new Error('this run is over'))),
}));
vi.mock('@temporalio/workflow', () => ({
  allHandlersFinished: () => true,
  condition: () => Promise.resolve(run.whileItWaits()),
  makeContinueAsNewFunc: () => run.continueAsNew,
  workflowInfo: () => ({ historyLength: run.historyLength, continueAsNewSuggested: false }),
}));

const at = (name: string) => ({ stage: { name } });
type State = ReturnType<typeof at>;

/** What the next run begins with, where there is one. */
async function handedOver(events: number, meanwhile: (running: Running<State>) => void = () => {}) {
  const running = new Running(at('as it was'), { show: () => {}, publish: () => {}, historyLimit: 100 });
  run.historyLength = events;
  run.whileItWaits = () => meanwhile(running);
  run.continueAsNew.mockClear();
  await running.handOverWhenLong().catch(() => {});
  return run.continueAsNew.mock.calls;
}

test('a run hands over when its history is long, and not before', async () => {
  expect(await handedOver(99)).toEqual([]);
  expect(await handedOver(100)).toEqual([[{ continues: at('as it was') }]]);
});

test('what is asked of a run while it waits for its handlers to finish goes on in the next', async () => {
  const asked = await handedOver(100, (running) => running.become(at('as it was asked for')));
  expect(asked).toEqual([[{ continues: at('as it was asked for') }]]);
});
