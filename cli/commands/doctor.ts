import { Command } from 'commander';
import { ProgramUnknownError } from '../../client/errors.js';
import type { Finding } from '../../doctor/index.js';
import { maskPersonal } from '../../protection/mask.js';
import { ExitCode } from '../exit-codes.js';
import { example } from '../help.js';
import { note, print, printJson } from '../output.js';
import { terminal } from '../terminal.js';

interface DoctorOptions {
  program?: string;
  offline?: true;
  json?: true;
}

export const doctorCommand = new Command('doctor')
  .description('check keys, store, Temporal and the way to Mastercard, and say what to do')
  .option('-p, --program <program>', 'only this program')
  .option('--offline', 'leave the network alone: only what is on this machine')
  .option('--json', 'print one JSON document')
  .addHelpText(
    'after',
    example(
      'c2p doctor --program demo',
      'Run it where, and as the user that, workers run. It shows no secrets, changes nothing, and makes one',
      'signed call to Mastercard a program: the status of a batch that does not exist.',
      'Exit codes: 0 all is well, or only warnings; 1 a check failed; 2 wrong usage.',
    ),
  )
  .action(async (options: DoctorOptions) => {
    const found: Finding[] = [];
    for await (const finding of diagnosis(options)) {
      found.push(finding);
      if (!options.json) print(line(finding));
    }
    if (options.json) printJson(found);
    const count = (status: Finding['status']) => found.filter((finding) => finding.status === status).length;
    const [failed, warnings, skipped] = [count('failed'), count('warning'), count('skipped')];
    note(`checks: ${found.length}, failed: ${failed}, warnings: ${warnings}, skipped: ${skipped}`);
    terminal().exitCode = failed > 0 ? ExitCode.unexpected : ExitCode.ok;
  });

async function* diagnosis({ program, offline }: DoctorOptions): AsyncGenerator<Finding> {
  const { checkConfiguration, examine } = await import('../../doctor/index.js');
  const { config, findings } = await checkConfiguration();
  if (config && program !== undefined && !Object.hasOwn(config.programs, program))
    throw new ProgramUnknownError(program, Object.keys(config.programs));
  yield* findings.map(masked);
  if (!config) return;
  const programs = program === undefined ? Object.keys(config.programs) : [program];
  for await (const finding of examine({ config, programs, offline: offline === true })) yield masked(finding);
}

/** Some of it are the words of others. */
function masked(finding: Finding): Finding {
  const { found, todo } = finding;
  return { ...finding, found: oneLine(found), todo: todo === undefined ? undefined : oneLine(todo) };
}

function oneLine(text: string): string {
  return maskPersonal(text.replace(/\s+/g, ' ').trim());
}

const SYMBOL = { ok: '✓', warning: '!', failed: '✗', skipped: '-' } as const satisfies Record<
  Finding['status'],
  string
>;

function line({ check, program, status, found, todo }: Finding): string {
  const what = `${check.replaceAll('-', ' ')}${program === undefined ? '' : ` of ${program}`}`;
  const shown = status === 'skipped' ? `skipped, since ${found}` : found;
  return `${SYMBOL[status]} ${what}: ${shown}${todo === undefined ? '' : ` → ${todo}`}`;
}
