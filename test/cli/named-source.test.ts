import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nameIn, namedSource } from '../../cli/bulk/named-source.js';

const URL_WITH_SECRET = 'https://files.bank.example/2026/debit.csv.gz?signature=SECRET';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-named-source-'));
  file = join(folder, 'address');
  await writeFile(file, `${URL_WITH_SECRET}\n`, { mode: 0o600 });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test('an address is had from a file or a variable, so that its signature is in no argument', async () => {
  vi.stubEnv('C2P_TEST_ADDRESS', URL_WITH_SECRET);
  for (const named of [`@${file}`, 'env:C2P_TEST_ADDRESS', URL_WITH_SECRET]) {
    const source = await namedSource(named);
    expect(source).toEqual({ url: URL_WITH_SECRET });
    expect(nameIn(source)).toBe('debit');
  }
});

test('anything else is a path, and what is in a file or a variable is never one', async () => {
  expect(await namedSource('portfolios/debit.csv.gz')).toEqual({ path: 'portfolios/debit.csv.gz' });
  expect(await namedSource('./@debit.csv')).toEqual({ path: './@debit.csv' });
  expect(nameIn({ path: 'portfolios/debit.csv.gz' })).toBe('debit');
  vi.stubEnv('C2P_TEST_ADDRESS', 'portfolios/debit.csv');
  expect(await namedSource('env:C2P_TEST_ADDRESS')).toEqual({ url: 'portfolios/debit.csv' });
});

test('an address that others can read, or that is not there, is an error that does not quote it', async () => {
  await chmod(file, 0o640);
  const exposed = namedSource(`@${file}`);
  await expect(exposed).rejects.toThrow(/others can read it \(mode 0640\); run: chmod 600/);
  await expect(exposed).rejects.not.toThrow(/SECRET/);
  await expect(namedSource(`@${folder}/nothing`)).rejects.toThrow(/cannot be read \(ENOENT\)/);
  await expect(namedSource('env:C2P_TEST_NOTHING')).rejects.toThrow(/C2P_TEST_NOTHING, .* is not set/);
});
