import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import which from 'which';
import { installWithGo } from '../../dev/temporal-cli.js';
import { temporaryFolder } from './machine.js';

const go = await which('go', { nothrow: true });

describe.skipIf(go === null)(
  'building the Temporal CLI with the real Go (skipped where Go is not on PATH)',
  () => {
    it('yields a program that can start a development server', { timeout: 600_000 }, async () => {
      const path = await installWithGo(await temporaryFolder(), process.env, () => undefined);
      const { stdout } = await execa(path, ['server', 'start-dev', '--help']);
      expect(stdout).toContain('--db-filename');
    });
  },
);
