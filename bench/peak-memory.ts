import { readFile } from 'node:fs/promises';

/** The most memory (bytes) that a process of this machine ever held resident, as Linux keeps count of it. */
export async function peakMemory(pid: number): Promise<number> {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kibibytes === undefined) throw new Error(`the system does not tell the peak memory of process ${pid}`);
  return Number(kibibytes) * 1_024;
}
