import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'c2p-dev-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A program that is a shell script; it can use the shell's own commands whatever PATH is. */
export async function fakeProgram(folder: string, name: string, ...lines: string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  await chmod(path, 0o755);
  return path;
}

/** A machine with an empty cache, no program but ours, and no way to the Internet. */
export async function bareMachine(): Promise<{ bin: string; env: NodeJS.ProcessEnv }> {
  const folder = await temporaryFolder();
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const nowhere = 'http://127.0.0.1:9';
  return { bin, env: { PATH: bin, C2P_CACHE_DIR: join(folder, 'cache'), https_proxy: nowhere } };
}
