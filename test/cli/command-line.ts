import { readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { cliPath } from '../../dev/dev-environment.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';

/** Starts the built command, with no configuration and no Temporal but those that `env` names. */
export function c2p(args: readonly string[], env: Record<string, string> = {}) {
  return execa(process.execPath, [cliPath(), ...args], {
    env: { C2P_CONFIG: undefined, TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined, ...env },
    stdin: 'ignore',
    reject: false,
  });
}

/** Writes records as JSONL. */
export async function writeRecords(file: string, records: readonly EnrollmentRecord[]): Promise<string> {
  await writeFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return file;
}

/** Changes the first program of a configuration file. */
export async function changeProgram(
  configPath: string,
  change: (program: Record<string, unknown>) => void,
): Promise<void> {
  const config = JSON.parse(await readFile(configPath, 'utf8')) as { programs: { demo: object } };
  change(config.programs.demo as Record<string, unknown>);
  await writeFile(configPath, JSON.stringify(config));
}
