import { createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Client } from '@temporalio/client';
import { expect, vi } from 'vitest';
import { EnrollmentClient } from '../../client/enrollment-client.js';
import { loadConfig } from '../../config/load.js';
import { freePort } from '../../dev/free-port.js';
import { prepareSandboxKeys } from '../../dev/sandbox.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { formatPayloads, parsePayloads } from '../../protection/codec-server/payloads-json.js';
import { protectedDataConverter } from '../../protection/data-converter.js';
import { openKeyRing } from '../../protection/live-key-ring.js';
import { payloadsOf } from '../../protection/payloads-of.js';
import { createLogger } from '../../protection/logger.js';
import {
  createSimulator,
  TRIGGERS,
  type CardEffect,
  type Effects,
  type Simulator,
} from '../../simulator/index.js';
import { c2p, c2pProcess, writeRecords } from '../cli/command-line.js';
import { startCodecServerProcess, type CodecServerProcess } from '../support/codec-server-process.js';
import { generatedRecords } from '../support/generated-records.js';
import type { Haystack } from '../support/leak-search.js';
import { PROGRAM, RealEnvironment, type RealSite } from '../support/real-environment.js';
import type { RealWorker } from '../support/real-worker.js';
import { AUDIENCE, ISSUER, SECRET, token } from '../support/tokens.js';
import { followPath, leakPaths, type LeakPath } from './leak-paths.js';

const PASSWORD_VARIABLE = 'C2P_LEAK_SIGNING_PASSWORD';
const CODEC_SECRET_VARIABLE = 'C2P_LEAK_CODEC_SECRET';
const WITHIN = { timeout: 60_000, interval: 200 };
const QUICK = { polling: { initial: '300ms' } };
const OPEN = `${TRIGGERS.batches.NEVER_TERMINAL.externalBatchIdContains}-leak`;

/** Everything that Node has to tell of a crash, and a core dump of any size. */
const TALKATIVE = {
  through: ['/bin/sh', '-c', 'cd "$0" && ulimit -c unlimited && exec "$@"'],
  nodeOptions:
    '--abort-on-uncaught-exception --report-on-fatalerror --report-uncaught-exception ' +
    '--report-on-signal --report-signal=SIGABRT',
} as const;

/**
 * A system that meets everything that can happen to a batch, with records that are nobody's: every way to
 * an end, records inline, commands, refusals, and the death of a worker.
 */
export class LeakScenario {
  /** What was printed, thrown and answered. */
  readonly told: Haystack[] = [];
  /** Of the signing key's file. */
  readonly password: string;
  /** Of a card whose record says more than a record may. */
  readonly securityCode: string;
  /** What Mastercard's side logs. */
  readonly simulatorLog: string[] = [];
  /** Of every batch; each value is unlike all others. */
  readonly records: EnrollmentRecord[];
  /** Of no batch until `play` is over. */
  readonly control: EnrollmentRecord;
  /** The process that carried all batches but the one whose worker died. */
  worker!: RealWorker;
  /** Where that one died. */
  crashed!: RealSite;
  private codecServer!: CodecServerProcess;
  private metricsUrl!: string;
  /** Of each program of the paths. */
  private readonly simulators = new Map<string, Simulator>();
  private readonly recordsOf: ReadonlyMap<LeakPath, EnrollmentRecord[]>;
  private readonly spare: EnrollmentRecord[];

  private constructor(
    readonly environment: RealEnvironment,
    readonly site: RealSite,
    private readonly inputs: string,
    seed: number,
  ) {
    this.password = `password-${seed}-of-the-signing-key`;
    this.securityCode = `security-code-${seed}`;
    const ofPaths = leakPaths.flatMap(({ cards }) => cards).length;
    const [control, ...records] = generatedRecords(1 + ofPaths + 10, seed);
    this.control = control!;
    this.records = records;
    this.spare = records.slice(ofPaths);
    let taken = 0;
    this.recordsOf = new Map(
      leakPaths.map((path) => {
        const own = records.slice(taken, (taken += path.cards.length));
        return [path, own.map((record, card) => fated(record, path.cards[card]!))];
      }),
    );
  }

  static async prepare(seed: number): Promise<LeakScenario> {
    const environment = await RealEnvironment.start(undefined, 'debug');
    // The issuer's own file is no output of the system.
    const inputs = await mkdtemp(join(tmpdir(), 'c2p-leak-inputs-'));
    return new LeakScenario(environment, await environment.site('leak'), inputs, seed);
  }

  async play(): Promise<void> {
    process.env[PASSWORD_VARIABLE] = this.password;
    process.env[CODEC_SECRET_VARIABLE] = SECRET;
    await this.configure();
    this.codecServer = await startCodecServerProcess(
      this.site,
      {
        origins: [this.environment.uiUrl],
        token: { secretEnv: CODEC_SECRET_VARIABLE, issuer: ISSUER, audience: AUDIENCE },
      },
      'http',
    );
    this.worker = await this.site.startWorker(undefined, { env: { C2P_LOG_LEVEL: 'trace' } });
    await Promise.all([
      this.takeEveryPath(),
      this.startInline().then(() => this.provokeRefusals()),
      this.useCommands(),
      this.enrollPortfolio(),
      this.crash(),
    ]);
    await this.showHostileBatches();
  }

  async close(): Promise<void> {
    delete process.env[PASSWORD_VARIABLE];
    delete process.env[CODEC_SECRET_VARIABLE];
    await this.codecServer?.kill();
    await Promise.all([...this.simulators.values()].map((simulator) => simulator.close()));
    await this.environment.close();
    await rm(this.inputs, { recursive: true, force: true });
  }

  /** What the worker reports to Prometheus. */
  async metrics(): Promise<Haystack> {
    return { name: 'the metrics of the worker', bytes: await bytesOf(await fetch(this.metricsUrl)) };
  }

  /** What the codec server shows of each batch to who may not see personal data, payload by payload. */
  async decodedHistories(): Promise<Haystack[]> {
    const { workflow } = this.site.temporal;
    const headers = {
      'content-type': 'application/json',
      'x-namespace': 'default',
      authorization: `Bearer ${await token()}`,
    };
    const answers: Haystack[] = [];
    const query = 'WorkflowType IN ("batchEnrollment", "bulkEnrollment") AND TaskQueue = "c2p-leak"';
    for await (const { workflowId } of workflow.list({ query })) {
      const payloads = payloadsOf(await workflow.getHandle(workflowId).fetchHistory());
      const body = JSON.stringify(formatPayloads(payloads));
      const answer = await fetch(`${this.codecServer.url}/decode`, { method: 'POST', headers, body });
      const decoded = parsePayloads(await answer.json()) ?? [];
      const bytes = Buffer.concat(decoded.map(({ data }) => data ?? new Uint8Array()));
      answers.push({ name: `${answer.status} what the codec server shows of ${workflowId}`, bytes });
    }
    return answers;
  }

  /** What the processes that work here were started with; on Linux. */
  async commandLines(): Promise<Haystack[]> {
    const processes = {
      server: this.environment.serverPid,
      worker: this.worker.pid,
      'codec server': this.codecServer.pid,
    };
    return Promise.all(
      Object.entries(processes).map(async ([name, pid]) => ({
        name: `the command line of the ${name}`,
        bytes: await readFile(`/proc/${pid}/cmdline`).catch(() => Buffer.alloc(0)),
      })),
    );
  }

  /** A program for each path, with a Mastercard of its own. */
  private async configure(): Promise<void> {
    const { folder, configPath } = this.site;
    const { credentials } = await prepareSandboxKeys(folder);
    const config = JSON.parse(await readFile(configPath, 'utf8')) as {
      programs: Record<string, object>;
      metrics?: object;
      bulk?: object;
    };
    const port = await freePort();
    config.metrics = { port };
    config.bulk = { folder: this.inputs };
    this.metricsUrl = `http://127.0.0.1:${port}/metrics`;
    const path = 'keys/signing-encrypted.pem';
    const key = createPrivateKey(await readFile(join(folder, 'keys', 'signing.pem')));
    const encryption = { cipher: 'aes-256-cbc', passphrase: this.password };
    const pem = key.export({ type: 'pkcs8', format: 'pem', ...encryption });
    await writeFile(join(folder, path), pem, { mode: 0o600 });
    const signingKey = { path, passwordEnv: PASSWORD_VARIABLE };
    config.programs[PROGRAM] = { ...config.programs[PROGRAM], signingKey };
    for (const name of new Set(leakPaths.map(programOf))) {
      const simulator = await createSimulator({
        credentials: [credentials],
        processingMs: 0,
        effects: this.effects(),
        logger: createLogger({
          name: 'simulator',
          level: 'trace',
          destination: { write: (line) => void this.simulatorLog.push(line) },
        }),
      });
      this.simulators.set(name, simulator);
      config.programs[name] = { ...config.programs[PROGRAM], baseUrl: simulator.baseUrl };
    }
    await writeFile(configPath, JSON.stringify(config));
  }

  private async takeEveryPath(): Promise<void> {
    const { store, configPath, environment } = this.site;
    const { connection } = environment;
    const config = await loadConfig(configPath);
    const keyRing = await openKeyRing(config.dataKeys);
    const temporal = new Client({ connection, dataConverter: protectedDataConverter(keyRing) });
    const client = EnrollmentClient.using({ config, temporal, store, keyRing });
    const common = { client, temporal, taskQueue: config.taskQueue };
    await Promise.all(
      leakPaths.map((path) => {
        const program = programOf(path);
        const [simulator, records] = [this.simulators.get(program)!, this.recordsOf.get(path)!];
        return followPath(path, { ...common, simulator, program, records });
      }),
    );
  }

  /** What a hostile Mastercard makes of the paths' cards and batches. */
  private effects(): Effects {
    const saysOfCard = new Map<string, CardEffect>();
    for (const [path, records] of this.recordsOf)
      for (const [card, record] of records.entries())
        if (path.saysOfCard) saysOfCard.set(record.cards[0]!.externalCardId, path.saysOfCard(record, card));
    return {
      card: (id) => saysOfCard.get(id),
      batch: (id) => {
        const [path, records] = [...this.recordsOf].find(([{ name }]) => name === id) ?? [];
        return path?.saysOfBatch?.(records!);
      },
    };
  }

  private async startInline(): Promise<void> {
    const [first, second, refused] = this.spare as [EnrollmentRecord, EnrollmentRecord, EnrollmentRecord];
    const taken = await this.inline(this.site.temporal, 'inline', [first, second]);
    expect(await taken.result()).toMatchObject({ status: 'COMPLETED', counts: { enrolled: 2 } });
    const policy = { [refused.cards[0]!.primaryAccountNumber]: refused.consumer.emailAddress };
    const handle = await this.inline(this.site.temporal, 'refused', [refused], policy);
    await this.expectError('an inline batch with a policy that is none', handle.result());
    const { consumer, cards, ...record } = this.spare[9]!;
    const odd = { ...record, consumer, cards: cards.map((card) => ({ ...card, cvv: this.securityCode })) };
    const started = await this.inline(this.site.temporal, 'security-code', [odd]);
    // However it ends.
    await Promise.allSettled([started.result()]);
  }

  /** Starts a batch as a client in another language does. */
  inline(temporal: Client, externalBatchId: string, inline: EnrollmentRecord[], policy: object = QUICK) {
    const key = { program: PROGRAM, externalBatchId };
    return temporal.workflow.start('batchEnrollment', {
      workflowId: workflowIdOf(key),
      taskQueue: 'c2p-leak',
      args: [{ ...key, records: { inline }, policy }],
    });
  }

  private async useCommands(): Promise<void> {
    const record = this.spare[3]!;
    const { primaryAccountNumber: pan } = record.cards[0]!;
    const [file, malformed, headless] = ['cards.jsonl', 'malformed.jsonl', 'headless.csv'].map((name) =>
      join(this.inputs, name),
    ) as [string, string, string];
    await writeRecords(file, [record]);
    await writeFile(malformed, JSON.stringify(record).slice(0, -3));
    await writeFile(headless, `${pan},${record.consumer.lastName},${record.consumer.emailAddress}\n`);
    const id = 'from-a-file';
    await this.run(0, 'enroll', file, '--program', PROGRAM, '--batch-id', id, '--wait');
    const others: [exitCode: number, ...args: string[]][] = [
      [0, 'status', id, '--json'],
      [0, 'report', id],
      [0, 'list', '--json'],
      [0, 'doctor', '--json'],
      [2, 'validate', malformed],
      [2, 'validate', headless],
      [2, 'enroll', file, '--program', pan],
      [2, 'status', pan],
      [2, pan],
    ];
    for (const [exitCode, ...args] of others) await this.run(exitCode, ...args);
  }

  /** A portfolio with whatever can be wrong with its rows, and jobs that are refused. */
  private async enrollPortfolio(): Promise<void> {
    const [one, two, three] = this.spare.slice(6) as [EnrollmentRecord, EnrollmentRecord, EnrollmentRecord];
    const { primaryAccountNumber: pan } = one.cards[0]!;
    const [whole, cut] = [JSON.stringify(one), JSON.stringify(three).slice(0, -3)];
    const rows = [whole, JSON.stringify(three.cards), `${JSON.stringify(two)} `, `{"${pan}":`, cut];
    const portfolio = join(this.inputs, 'portfolio.jsonl');
    // One row of Latin-1, which is no UTF-8.
    const latin1 = Buffer.from(`${JSON.stringify({ ...three, note: 'é' })}\n`, 'latin1');
    await writeFile(portfolio, Buffer.concat([latin1, Buffer.from(rows.map((row) => `${row}\n`).join(''))]));
    const headless = join(this.inputs, 'headless-portfolio.csv');
    await writeFile(headless, `${pan},${one.consumer.lastName},${one.consumer.emailAddress}\n`);
    const ofProgram = ['--program', PROGRAM];
    await this.run(3, 'bulk', 'start', portfolio, ...ofProgram, '--wait', '--json');
    const others: [exitCode: number, ...args: string[]][] = [
      [3, 'bulk', 'status', 'portfolio', '--json'],
      [0, 'bulk', 'report', 'portfolio', '--format', 'csv'],
      [0, 'bulk', 'rejects', 'portfolio'],
      [2, 'bulk', 'start', headless, ...ofProgram],
      [2, 'bulk', 'start', portfolio, ...ofProgram, '--bulk-id', pan],
      [2, 'bulk', 'status', pan],
    ];
    for (const [exitCode, ...args] of others) await this.run(exitCode, ...args);
  }

  /** What a hostile Mastercard says is shown to operators. */
  private async showHostileBatches(): Promise<void> {
    const commands = leakPaths
      .filter(({ saysOfCard, saysOfBatch }) => saysOfCard ?? saysOfBatch)
      .flatMap((path) => {
        const batch = [path.name, '--program', programOf(path)];
        return [
          ['report', ...batch],
          ['report', ...batch, '--format', 'csv'],
          ['status', ...batch],
        ];
      });
    for (const args of [...commands, ['list']]) {
      const { stdout, stderr } = await c2p(args, this.commandEnvironment());
      expect(stdout, stderr).not.toBe('');
      this.told.push({
        name: `what 'c2p ${args.join(' ')}' prints`,
        bytes: Buffer.from(`${stdout}\n${stderr}`),
      });
    }
  }

  private async run(exitCode: number, ...args: string[]): Promise<void> {
    const done = await c2pProcess(args, this.commandEnvironment());
    expect(done, done.stderr).toMatchObject({ exitCode });
    const name = `what 'c2p ${args.length > 1 ? args.slice(0, args[0] === 'bulk' ? 2 : 1).join(' ') : '(a number)'}' prints`;
    this.told.push({ name, bytes: Buffer.from(`${done.stdout}\n${done.stderr}`) });
  }

  private commandEnvironment(): Record<string, string> {
    return {
      C2P_CONFIG: this.site.configPath,
      TEMPORAL_ADDRESS: this.environment.address,
      C2P_LOG_LEVEL: 'trace',
      C2P_DEBUG: '1',
    };
  }

  /** A worker dies of SIGABRT while it calls Mastercard; nobody carries its batch on. */
  private async crash(): Promise<void> {
    const externalBatchId = 'crashed';
    this.crashed = await this.environment.site(externalBatchId);
    const { simulator, folder, client } = this.crashed;
    simulator.fault({ operation: 'enroll', fault: { kind: 'delay', ms: 120_000 } });
    const victim = await this.crashed.startWorker(undefined, {
      through: [...TALKATIVE.through, folder],
      env: { C2P_LOG_LEVEL: 'trace', NODE_OPTIONS: TALKATIVE.nodeOptions },
    });
    await client.enroll({ externalBatchId, program: PROGRAM, records: [this.spare[4]!] });
    await vi.waitUntil(async () => await this.crashed.submits(externalBatchId), WITHIN);
    expect(await this.crashed.blobs(externalBatchId)).toContainEqual(
      expect.stringContaining('enrollment-data-1-'),
    );
    process.kill(victim.pid, 'SIGABRT');
    expect(await victim.ended).toBe('SIGABRT');
  }

  /** What Temporal and workers answer where they refuse, having been handed values. */
  private async provokeRefusals(): Promise<void> {
    const record = this.spare[5]!;
    const value = { ...record.consumer, ...record.cards[0]! };
    const records = [this.spare[5]!];
    await this.site.client.enroll({ externalBatchId: OPEN, program: PROGRAM, records, policy: QUICK });
    const { workflow } = this.site.temporal;
    const open = this.site.workflow(OPEN);
    await vi.waitUntil(
      async () => (await this.site.client.batch(OPEN).progress()).status === 'PROCESSING',
      WITHIN,
    );
    const update = (name: string, ...args: [object]) => open.executeUpdate(name, { args });
    const unregistered = await workflow.start('enrollBatch', {
      workflowId: 'unregistered',
      taskQueue: 'c2p-leak',
      args: [value],
      workflowExecutionTimeout: '2s',
    });
    const attempts: Record<string, Promise<unknown>> = {
      'a signal to a workflow that is not there': workflow.getHandle('nowhere').signal('pollNow', value),
      'an update of a workflow that is closed': this.site
        .workflow('inline')
        .executeUpdate('updatePolicy', { args: [value] }),
      'an answer that nobody asked for': update('resolveSubmission', { batchId: value.lastName }),
      'an answer that is none': update('extendDeadline', { until: value.emailAddress }),
      'a policy that is none': update('updatePolicy', { [value.primaryAccountNumber]: value }),
      'an update that does not exist': update('resolve', value),
      'a query that does not exist': open.query('cards', value),
      'a workflow of a type that does not exist': unregistered.result(),
    };
    await Promise.all(Object.entries(attempts).map(([name, attempt]) => this.expectError(name, attempt)));
  }

  private async expectError(name: string, attempt: Promise<unknown>): Promise<void> {
    const error: unknown = await attempt.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error, name).toBeInstanceOf(Error);
    const text = inspect(error, { depth: 6, maxStringLength: null, maxArrayLength: null });
    this.told.push({ name: `the error of ${name}`, bytes: Buffer.from(text) });
  }
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

function programOf({ name, program = name }: LeakPath): string {
  return program;
}

/** The record as the path wants it: only the simulator's own card numbers have a fate. */
function fated(record: EnrollmentRecord, fate: LeakPath['cards'][number]): EnrollmentRecord {
  if (fate === 'ENROLLED') return record;
  const [card] = record.cards;
  const changes =
    fate === 'INVALID' ? { panExpirationMonth: '13' } : { primaryAccountNumber: TRIGGERS.cards[fate].pan };
  return { ...record, cards: [{ ...card!, ...changes }] };
}
