import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { watchingEventLoop } from './event-loop.js';

const MB = 1024 * 1024;
const TURNS = 100;

test('what a work holds is measured to 16 MB', async () => {
  const held: Buffer[] = [];
  const { memory } = await watchingEventLoop(async () => {
    for (let turn = 0; turn < TURNS; turn++) {
      held.push(Buffer.alloc(MB, turn));
      await setImmediate();
    }
  });
  expect(held).toHaveLength(TURNS);
  expect(memory).toBeGreaterThan((TURNS - 17) * MB);
  expect(memory).toBeLessThan((TURNS + 1) * MB);
});

test('garbage is not held', async () => {
  const { memory } = await watchingEventLoop(async () => {
    for (let turn = 0; turn < TURNS; turn++) {
      Buffer.alloc(MB, turn);
      await setImmediate();
    }
  });
  // Buffers are freed a little after the collection.
  expect(memory).toBeLessThan((TURNS / 2) * MB);
});

test('a turn that computes for long is seen', async () => {
  const { longestTurn } = await watchingEventLoop(async () => {
    const { user } = process.cpuUsage();
    while (process.cpuUsage().user - user < 60_000);
    await setImmediate();
  });
  expect(longestTurn).toBeGreaterThanOrEqual(60);
});
