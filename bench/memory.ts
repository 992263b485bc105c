import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes that are in use once everything is collected that can be: what a process cannot do without. */
export function retainedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The same where buffers come and go: what lies outside of the heap is let go of after the collection that finds it free. */
export async function settledBytes(): Promise<number> {
  retainedBytes();
  await setImmediate();
  return retainedBytes();
}
