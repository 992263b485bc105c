import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../dev/free-port.js';
import { CHECKOUT, Stranger } from './stranger.js';

let stranger: Stranger;
beforeAll(async () => {
  stranger = await Stranger.create();
}, 240_000);
afterAll(() => stranger.remove());

describe('in a project that has only the package', () => {
  let env: { C2P_CONFIG: string; TEMPORAL_ADDRESS: string };
  let stopDev: () => Promise<unknown>;

  beforeAll(async () => {
    for (const name of ['enroll.mjs', 'enroll.ts', 'cards.jsonl'])
      await copyFile(join(CHECKOUT, 'examples', name), join(stranger.folder, name));
    const ports = await Promise.all(['--port', '--ui-port', '--simulator-port'].map(withFreePort));
    const dev = stranger.run('node_modules/.bin/c2p', ['dev', '--folder', 'sandbox', ...ports.flat()]);
    stopDev = async () => {
      dev.kill('SIGTERM');
      await dev;
    };
    const said = await untilSaid(dev.stdout, /export C2P_CONFIG=(\S+) TEMPORAL_ADDRESS=(\S+)/);
    env = { C2P_CONFIG: said[1]!, TEMPORAL_ADDRESS: said[2]! };
  });
  afterAll(() => stopDev());

  test('ten lines of JavaScript enroll a batch', async () => {
    const { stdout } = await stranger.run(process.execPath, ['enroll.mjs', 'cards.jsonl'], env);
    expectOutcomes(stdout);
  });

  test('ten lines of TypeScript are type-checked and enroll a batch', async () => {
    await stranger.compile('enroll.ts');
    const { stdout } = await stranger.run(process.execPath, ['enroll.js', 'cards.jsonl'], env);
    expectOutcomes(stdout);
  });

  test('the command is there', async () => {
    const { stdout } = await stranger.run('npx', ['c2p', 'list', '--json'], env);
    expect(JSON.parse(stdout)).toEqual(
      expect.arrayContaining([expect.objectContaining({ program: 'demo' })]),
    );
  });

  test('every export can be imported, and has types', async () => {
    await writeFile(
      join(stranger.folder, 'exports.ts'),
      `import { EnrollmentClient, BatchConflictError, type EnrollRequest, type Outcome } from 'c2p';
       import { EnrollmentClient as same } from 'c2p/client';
       import type { batchEnrollment, BatchEnrollmentInput, BatchProgress, InlineEnrollmentInput } from 'c2p/workflows';
       import { loadConfig, runWorker, type RunningWorker } from 'c2p/worker';
       import { createSimulator, TRIGGERS, type Simulator } from 'c2p/simulator';
       export type Typed = [EnrollRequest, Outcome, BatchProgress, RunningWorker, Simulator];
       export const input = (of: BatchEnrollmentInput | InlineEnrollmentInput): Parameters<typeof batchEnrollment>[0] => of;
       // @ts-expect-error: a request needs records; were the types lost, this would be no error.
       export const untyped: EnrollRequest = { externalBatchId: 'b', program: 'p' };
       const values = [EnrollmentClient, BatchConflictError, loadConfig, runWorker, createSimulator, TRIGGERS];
       console.log(EnrollmentClient === same, values.every(Boolean));`,
    );
    await stranger.compile('exports.ts');
    const { stdout } = await stranger.run(process.execPath, ['exports.js']);
    expect(stdout).toBe('true true');
  });

  test('what is not exported cannot be imported', async () => {
    const deep = stranger.run(process.execPath, ['-e', `await import('c2p/dist/store/store.js')`]);
    await expect(deep).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

/** The first line that fits. */
async function untilSaid(stream: Readable, pattern: RegExp): Promise<RegExpExecArray> {
  for await (const line of createInterface(stream)) {
    const said = pattern.exec(line);
    if (said) return said;
  }
  throw new Error(`it ended without saying ${pattern}`);
}

async function withFreePort(option: string): Promise<string[]> {
  return [option, String(await freePort())];
}

/** What becomes of `cards.jsonl`, as both programs print it. */
function expectOutcomes(stdout: string): void {
  expect(stdout).toMatch(/^COMPLETED_WITH_ERRORS {/);
  expect(stdout).toContain('enrolled: 22');
  expect(stdout.match(/^card-\d+ ENROLLED $/gm)).toHaveLength(22);
  expect(stdout).toContain('card-0007 FAILED PAN_INELIGIBLE');
}
