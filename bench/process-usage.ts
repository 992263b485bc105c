import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** The most memory (bytes) that a process of this machine ever held resident, as Linux keeps count of it. */
export async function peakMemory(pid: number): Promise<number> {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kibibytes === undefined) throw new Error(`the system does not tell the peak memory of process ${pid}`);
  return Number(kibibytes) * 1_024;
}

/** Often enough that what is taken between the last look and the end is little. */
const LOOK_EVERY_MS = 10;

/** The most memory (bytes) that a process held resident in all its life, but for its last hundredth of a second. */
export async function peakMemoryUntilEnd(
  child: Promise<unknown> & { pid?: number | undefined },
): Promise<number> {
  if (child.pid === undefined) throw new Error('the process did not start');
  let peak = 0;
  let hasEnded = false;
  const ended = child.finally(() => (hasEnded = true));
  // Of a process that has ended and was not waited for, the system tells no memory.
  for (; !hasEnded; await delay(LOOK_EVERY_MS)) peak = await peakMemory(child.pid).catch(() => peak);
  await ended;
  return peak;
}

/** Linux counts CPU time in hundredths of a second, whatever the kernel's own clock is (`USER_HZ`). */
const MS_A_TICK = 10;

/** The CPU time (ms) that a process of this machine has taken so far, of its own and of the system for it. */
export async function cpuTimeOf(pid: number): Promise<number> {
  // Behind the name, which may hold anything: proc(5) counts state as field 3, utime as 14, stime as 15.
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_A_TICK;
}
