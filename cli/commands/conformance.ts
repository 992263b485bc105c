import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ProgramUnknownError } from '../../client/errors.js';
import type { ProgramConfig } from '../../config/config.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import type { AssumptionName } from '../../mastercard/api/assumptions.js';
import type { EnrollmentApi } from '../../mastercard/api/enrollment-api.js';
import type { ConformanceResult } from '../../mastercard/conformance/session.js';
import { maskForeign } from '../../protection/mask.js';
import { duration } from '../duration.js';
import { ExitCode } from '../exit-codes.js';
import { example } from '../help.js';
import { readRecords } from '../input/read-records.js';
import { writeNewFile } from '../new-file.js';
import { counted, note, print, printJson } from '../output.js';
import { terminal } from '../terminal.js';

interface ConformanceOptions {
  program?: string;
  file?: string;
  transcript?: string;
  poll: number;
  for: number;
  yes?: true;
  production?: true;
  json?: true;
}

export const conformanceCommand = new Command('conformance')
  .description('speak with Mastercard once, and say what of its API is not as c2p assumes')
  .option('-p, --program <program>', 'the program to speak for; may be left out when there is only one')
  .option(
    '--file <file>',
    "test cards, JSONL or CSV (default: one number that Mastercard's documentation shows)",
  )
  .option(
    '--transcript <file>',
    'where to write what was sent and answered, masked (default: a new file here)',
  )
  .addOption(
    new Option('--poll <duration>', 'how often to ask for the status')
      .argParser(duration)
      .default(5_000, '5s'),
  )
  .addOption(
    new Option('--for <duration>', 'how long to wait until the batch is done')
      .argParser(duration)
      .default(600_000, '10m'),
  )
  .option('-y, --yes', 'take every step without asking')
  .option('--production', "also with Mastercard's production, where the test cards are enrolled for real")
  .option('--json', 'print one JSON document')
  .addHelpText(
    'after',
    example(
      'c2p conformance --program demo',
      'It enrolls the test cards and removes them again: use it with the sandbox. It needs no Temporal.',
      'Exit codes: 0 nothing is contradicted or left; 1 something is, or the session ended early; 2 wrong usage.',
    ),
  )
  .action(async (options: ConformanceOptions, command: Command) => {
    if (!options.yes && !process.stdin.isTTY)
      command.error('error: there is no terminal to confirm each step on; give --yes to take all steps');
    const [name, program] = await programOf(options.program);
    const { PRODUCTION_URLS } = await import('../../mastercard/api/batch-enroll.js');
    if (!options.production && PRODUCTION_URLS.some((url) => program.baseUrl.startsWith(url)))
      command.error(
        `error: ${program.baseUrl} is Mastercard's production; give --production to enroll the test cards there`,
      );
    const records = await recordsOf(options.file, program);
    const transcript =
      options.transcript ??
      `c2p-conformance-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.txt`;
    // First of all, so that nothing is sent of which nothing could be kept.
    const result = await written(transcript, (write) => converse(program, records, options, write));
    const explained = result.verdicts.map((one) => ({ ...one, ...aboutOf(program.api, one.assumption) }));
    if (options.json) printJson({ program: name, api: program.api.name, ...result, verdicts: explained });
    else printResult(program, result);
    const contradicted = result.verdicts.filter(({ verdict }) => verdict === 'contradicted').length;
    const failed = contradicted > 0 || result.stopped !== undefined || result.left.length > 0;
    terminal().exitCode = failed ? ExitCode.unexpected : ExitCode.ok;
  });

/** Runs the work, which writes into a new file as it goes. Returns its result also where the file cannot be kept. */
async function written<T>(path: string, work: (write: (text: string) => void) => Promise<T>): Promise<T> {
  const done: T[] = [];
  try {
    await writeNewFile(path, async (out) => {
      out.on('error', () => undefined);
      done.push(await work((text) => void out.write(`${text}\n\n`)));
    });
    note(`\ntranscript, masked: ${path}`);
  } catch (error) {
    if (done.length === 0) throw error;
    note(`\nthe transcript is lost: ${(error as Error).message}`);
  }
  return done[0]!;
}

async function programOf(wanted: string | undefined): Promise<[string, ProgramConfig]> {
  const { loadConfig } = await import('../../config/load.js');
  const { programs } = await loadConfig();
  const names = Object.keys(programs);
  const name = wanted ?? (names.length === 1 ? names[0]! : undefined);
  if (name === undefined)
    throw new InvalidArgumentError(`give one of the programs with --program: ${names.join(', ')}`);
  if (!Object.hasOwn(programs, name)) throw new ProgramUnknownError(name, names);
  return [name, programs[name]!];
}

async function recordsOf(
  file: string | undefined,
  { api }: ProgramConfig,
): Promise<readonly EnrollmentRecord[]> {
  const { TEST_CARDS } = await import('../../mastercard/conformance/test-cards.js');
  const { validateRecords } = await import('../../enrollment/validation.js');
  const given = file === undefined ? TEST_CARDS : (await readRecords(file)).records;
  const { valid, cards, validCards } = validateRecords(given, api.records, new Date());
  if (cards === validCards && cards > 0) return valid;
  throw new InvalidArgumentError(
    file === undefined
      ? 'the API module does not allow the built-in test cards; give some with --file'
      : `${file} has ${counted(cards, 'card')}, of which ${validCards} are valid; see: c2p validate ${file}`,
  );
}

async function converse(
  program: ProgramConfig,
  records: readonly EnrollmentRecord[],
  { yes, poll, for: pollFor }: ConformanceOptions,
  write: (text: string) => void,
): Promise<ConformanceResult> {
  const { runConformance } = await import('../../mastercard/conformance/session.js');
  const { transcriptOf } = await import('../../mastercard/conformance/transcript.js');
  const { encryptEnrollmentData } = await import('../../mastercard/jwe.js');
  const { loadEncryptionKey, loadProgramTls, loadSigningKey } = await import('../../mastercard/keys.js');
  const { SignedCaller } = await import('../../mastercard/signed-call.js');
  const { dispatcherTo } = await import('../../protection/outbound.js');
  const { api, baseUrl, consumerKey, srcClientId, serviceId } = program;
  const signingKey = await loadSigningKey(program.signingKey);
  const tls = await loadProgramTls(program.tls ?? {});
  const recipient = await loadEncryptionKey({ ...program.encryptionKey, tls }, signingKey);
  const agent = dispatcherTo(baseUrl, { tls });
  note(`${baseUrl}, with the API module ${api.name}`);
  const over = new AbortController();
  const interrupted = () => over.abort();
  for (const signal of SIGNALS) process.once(signal, interrupted);
  try {
    return await runConformance({
      ...{ api, srcClientId, serviceId, records, pollFor, pollEvery: poll },
      caller: new SignedCaller({ api, baseUrl, consumerKey, signingKey }, agent),
      encrypt: (plaintext) => encryptEnrollmentData(plaintext, recipient, program.contentEncryption),
      signal: over.signal,
      confirm: async (step) => {
        write(`# ${step.title}`);
        note(`\n${step.title}.\n  ${step.effect}`);
        return yes === true || agrees(over.signal);
      },
      onExchange: (exchange) => {
        const { request, answer } = exchange;
        const came = answer.answered ? answer.httpStatus : answer.problem;
        note(maskForeign(`  ${request.method} ${request.path}: ${came}`));
        write(transcriptOf(exchange, records, [api.headers.flowId, ...api.headers.correlationIds]));
      },
    });
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted);
    await agent.close();
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

async function agrees(signal: AbortSignal): Promise<boolean> {
  const questions = createInterface({ input: process.stdin, output: terminal().stderr });
  try {
    return /^y(es)?$/i.test((await questions.question('Go on? [y/N] ', { signal })).trim());
  } finally {
    questions.close();
  }
}

function aboutOf({ assumptions }: EnrollmentApi, name: AssumptionName) {
  const { sure, says, place } = assumptions[name];
  return { sure, says, place };
}

const WORDS = { confirmed: 'confirmed', contradicted: 'CONTRADICTED', notSeen: 'not seen' } as const;

function printResult({ api, apiFile }: ProgramConfig, { verdicts, stopped, left }: ConformanceResult): void {
  const module = apiFile ?? 'an API module of your own (docs/api-module.md)';
  note('');
  for (const { assumption, verdict, came } of verdicts) {
    const { sure, says, place } = aboutOf(api, assumption);
    print(`${WORDS[verdict].padEnd(12)}  ${sure}  ${assumption.padEnd(17)}  ${says}`);
    if (came !== undefined) {
      print(`${' '.repeat(17)}came: ${came}`);
      print(`${' '.repeat(17)}change: ${place} in ${module}`);
    }
  }
  const count = (wanted: keyof typeof WORDS) => verdicts.filter(({ verdict }) => verdict === wanted).length;
  note(
    `\nassumptions: ${count('confirmed')} confirmed, ${count('contradicted')} contradicted, ${count('notSeen')} not seen`,
  );
  if (stopped !== undefined) note(`the session ended early: ${stopped}`);
  if (left.length > 0) note(`may still be enrolled: ${left.join(', ')}; ask Mastercard to remove it`);
}
