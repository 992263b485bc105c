import { readFile, writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { run } from '../../cli/run.js';
import type { Terminal } from '../../cli/terminal.js';
import { cliPath } from '../../dev/dev-environment.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';

export interface Ran {
  exitCode: number;
  /** Without the last line's end. */
  stdout: string;
  stderr: string;
}

/** A command that runs: `await` it for how it ended, or read what it writes meanwhile. */
export interface Running extends Promise<Ran> {
  readonly stderr: PassThrough;
}

/** Runs a command in this process, with no configuration and no Temporal but those that `env` names. */
export function c2p(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([text(stdout), text(stderr)]);
  const terminal: Terminal = {
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
  };
  const ran = withEnvironment(env, async () => {
    await run(args, terminal);
    stdout.end();
    stderr.end();
    const [out, err] = await texts;
    return {
      exitCode: Number(terminal.exitCode ?? 0),
      stdout: out.replace(/\n$/, ''),
      stderr: err.replace(/\n$/, ''),
    };
  });
  return Object.assign(ran, { stderr });
}

const NONE = { C2P_CONFIG: undefined, TEMPORAL_ADDRESS: undefined, TEMPORAL_NAMESPACE: undefined };
let entered: { of: string; commands: number; left: Promise<void>; leave: () => void } | undefined;

/** A process has one environment: commands that want the same run at the same time, others one after the other. */
async function withEnvironment<T>(
  env: Readonly<Record<string, string>>,
  command: () => Promise<T>,
): Promise<T> {
  const of = JSON.stringify(env);
  while (entered && entered.of !== of) await entered.left;
  entered ??= enter(of, { ...NONE, ...env });
  entered.commands += 1;
  try {
    return await command();
  } finally {
    entered.commands -= 1;
    if (entered.commands === 0) entered.leave();
  }
}

function enter(of: string, env: Readonly<Record<string, string | undefined>>): NonNullable<typeof entered> {
  const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  set(env);
  let resolve!: () => void;
  const left = new Promise<void>((done) => (resolve = done));
  const leave = () => {
    set(before);
    entered = undefined;
    resolve();
  };
  return { of, commands: 0, left, leave };
}

function set(env: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

/** Starts the built command as a process of its own, as `c2p` does: where the process is the point. */
export function c2pProcess(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return execa(process.execPath, [cliPath(), ...args], {
    env: { ...NONE, ...env },
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
