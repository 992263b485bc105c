import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import ts from 'typescript';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../../config/load.js';
import { ApiModuleError, loadApi } from '../../../mastercard/api/load.js';
import { MINIMAL_CONFIG } from '../../config/minimal.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-api-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
});
afterEach(() => rm(folder, { recursive: true }));

/** Each has a name of its own, since a module is loaded once. */
let written = 0;

/** Writes a module, whose `c2p/api` is the one of this tree. */
async function moduleOf(source: string, mode = 0o644, name = `api-${(written += 1)}.js`): Promise<string> {
  const path = join(folder, name);
  const api = JSON.stringify(resolve('mastercard/api/index.ts'));
  await writeFile(path, source.replace(/['"]c2p\/api['"]/, api));
  await chmod(path, mode);
  return path;
}

async function example(): Promise<string> {
  const source = await readFile('examples/my-api.ts', 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  return moduleOf(outputText, 0o644, 'my-api.js');
}

async function problemsOf(path: string): Promise<readonly string[]> {
  const error = await loadApi(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiModuleError);
  return (error as ApiModuleError).problems;
}

const BUILT_IN = "import { batchEnroll } from 'c2p/api';";

describe('an API module', () => {
  test('is the default export of a file, as of examples/my-api.ts', async () => {
    const api = await loadApi(await example());
    expect(api.name).toBe('my-api');
    expect(api.batch.roundId('b', 2)).toBe('b-R2');
  });

  test('that lacks something is refused, by each member of it', async () => {
    const path = await moduleOf(`${BUILT_IN}
      export default {
        ...batchEnroll,
        name: '',
        batch: { ...batchEnroll.batch, roundId: '~', maxCards: 0 },
        status: {
          ...batchEnroll.status,
          states: { DONE: 'completed' },
          results: new Map([['DONE', 'done']]),
        },
        headers: { ...batchEnroll.headers, flowIdRule: { pattern: /x/g, longest: 1, problem: '' } },
        assumptions: { ...batchEnroll.assumptions, locale: { sure: 'S', says: '', place: '', fields: 'locale' } },
        removal: undefined,
      };`);
    expect(await problemsOf(path)).toEqual([
      'the default export.name must be 1 to 60 printable characters',
      'the default export.batch.roundId must be a function',
      'the default export.batch.maxCards must be above 0',
      'the default export.status.states must be a Map',
      'the default export.status.results.DONE must be enrolled or failed',
      'the default export.removal must be an object',
      'the default export.headers.flowIdRule.pattern must be a RegExp without g and y',
      'the default export.assumptions.locale.fields must be a RegExp',
    ]);
  });

  test('that cannot be loaded is refused, without a word of what stands in it', async () => {
    expect(await problemsOf(join(folder, 'none.js'))).toEqual(['there is no such file']);
    expect(await problemsOf(await moduleOf('const password = "secret-1'))).toEqual([
      expect.stringMatching(/^it cannot be loaded \((?:Syntax)?Error\); run: node \/.*api-\d+\.js$/),
    ]);
    for (const thrown of ['null', '{ code: "secret-1 of a card" }'])
      expect(await problemsOf(await moduleOf(`throw ${thrown};`))).toEqual([
        expect.stringMatching(/^it cannot be loaded \(it threw\)/),
      ]);
    expect(await problemsOf(folder)).toEqual(['it is not a file']);
    expect(await problemsOf(await moduleOf('export const api = 1;'))).toEqual([
      'the default export must be an object',
    ]);
  });

  test('that never finishes loading is refused', async () => {
    vi.useFakeTimers();
    try {
      const path = await moduleOf('await new Promise(() => {});');
      const problems = problemsOf(path);
      await vi.waitUntil(() => vi.getTimerCount() > 0);
      vi.advanceTimersByTime(10_000);
      expect(await problems).toEqual(['it is not loaded within 10 s']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('that ends the process does not look like a command that did its work', async () => {
    const path = await moduleOf('process.exit(0);');
    const script = `const { loadApi } = await import('./dist/mastercard/api/load.js'); await loadApi(${JSON.stringify(path)});`;
    const { exitCode } = await execa(process.execPath, ['--input-type=module', '-e', script], {
      reject: false,
    });
    expect(exitCode).toBe(1);
  });

  test.skipIf(process.platform === 'win32')('that others can change is not run', async () => {
    const path = await moduleOf('globalThis.wasRun = true; export default {};', 0o666);
    expect(await problemsOf(path)).toEqual([expect.stringMatching(/^others can change it .*chmod go-w/)]);
    expect(globalThis).not.toHaveProperty('wasRun');
  });
});

describe('a configuration', () => {
  async function configured(changes: object) {
    const path = join(folder, 'c2p.config.json');
    const demo = { ...MINIMAL_CONFIG.programs.demo, ...changes };
    await writeFile(path, JSON.stringify({ ...MINIMAL_CONFIG, programs: { demo } }));
    return (await loadConfig(path)).programs['demo']!;
  }

  test('has the built-in module by default and by name', async () => {
    expect((await configured({})).api.name).toBe('batch-enroll');
    expect(await configured({ api: 'batch-enroll' })).not.toHaveProperty('apiFile');
  });

  test('names a module by its path, whose limits are the defaults of the program', async () => {
    const apiFile = await example();
    expect(await configured({ api: 'my-api.js' })).toMatchObject({
      api: { name: 'my-api' },
      apiFile,
      maxCardsPerBatch: 100,
      contentEncryption: 'A256GCM',
    });
  });

  test('says by its path what is wrong with a module', async () => {
    await moduleOf('export default {}', 0o644, 'empty.js');
    await expect(configured({ api: 'empty.js' })).rejects.toThrow(
      'programs.demo.api: must be batch-enroll, or a file with an API module: the default export.name must be a text',
    );
  });
});
