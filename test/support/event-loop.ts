import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const GARBAGE_BYTES = 16 * 1024 * 1024;

export interface Watched {
  /** The most CPU (ms, of all threads) between two turns of the event loop. */
  longestTurn: number;
  /** How many bytes more the heap and its buffers held, at most, than before: to 16 MB. */
  memory: number;
}

/** Watches the event loop while some work runs. CPU counts, so that other processes that keep the machine busy hardly matter. */
export async function watchingEventLoop(work: () => Promise<unknown>): Promise<Watched> {
  const held = () => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  // The least that was held: before may be garbage, too.
  let least = held();
  let [longest, most, isOver] = [0, 0, false];
  const watching = (async () => {
    while (!isOver) {
      const begun = process.cpuUsage();
      await setImmediate();
      const { user, system } = process.cpuUsage(begun);
      longest = Math.max(longest, user + system);
      least = Math.min(least, held());
      if (held() - least <= most + GARBAGE_BYTES) continue;
      // What seems to be held may be garbage: only what a collection leaves counts.
      collect();
      least = Math.min(least, held());
      most = Math.max(most, held() - least);
    }
  })();
  try {
    await setImmediate();
    await work();
  } finally {
    isOver = true;
    await watching;
  }
  return { longestTurn: longest / 1_000, memory: most };
}
