import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';
import type { C2pConfig } from '../../config/config.js';
import { ConfigError } from '../../config/errors.js';
import { checkSecrets, loadConfig, parseConfig } from '../../config/load.js';

const FILE = resolve('/etc/c2p/c2p.config.json');
const PAN = '5186001700009726';

const PROGRAM = {
  baseUrl: 'https://sandbox.api.mastercard.com/src/api/digital/payments/',
  srcClientId: '5e0d4b84-189d-4c86-822d-590602f62062',
  serviceId: 'SRC',
  consumerKey: 'clientId!keyId',
  signingKey: { path: 'keys/signing.p12', alias: 'keyalias', passwordEnv: 'C2P_SIGNING_PASSWORD' },
  encryptionKey: { path: 'keys/mastercard.pem' },
};
const CONFIG = {
  programs: { demo: PROGRAM },
  store: { kind: 'filesystem', path: 'data' },
  dataKeys: { path: 'keys/data-keys.json' },
};

const parse = (json: unknown) => parseConfig(JSON.stringify(json), FILE);
const withProgram = (changes: object) => ({ ...CONFIG, programs: { demo: { ...PROGRAM, ...changes } } });

function refusal(work: () => unknown): ConfigError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('it was accepted');
}

describe('parseConfig', () => {
  it('fills in the defaults and makes paths absolute from the folder of the file', () => {
    expect(parse(CONFIG)).toEqual({
      path: FILE,
      programs: {
        demo: {
          ...PROGRAM,
          api: batchEnroll,
          baseUrl: 'https://sandbox.api.mastercard.com/src/api/digital/payments',
          signingKey: { ...PROGRAM.signingKey, path: resolve('/etc/c2p/keys/signing.p12') },
          encryptionKey: { path: resolve('/etc/c2p/keys/mastercard.pem'), kid: undefined },
          contentEncryption: 'A128GCM',
          maxCardsPerBatch: 250,
          requestsPerSecond: 10,
          policy: {},
        },
      },
      store: { kind: 'filesystem', path: resolve('/etc/c2p/data') },
      dataKeys: { path: resolve('/etc/c2p/keys/data-keys.json') },
      codec: true,
      taskQueue: 'c2p',
      sweep: { every: 3_600_000, grace: 86_400_000 },
    });
  });

  it('takes every setting', () => {
    const jwksUrl = 'https://src.mastercard.com/keys/mcs/fpanEncryption';
    const { programs, taskQueue, versioning, sweep, codec } = parse({
      ...withProgram({
        encryptionKey: { jwksUrl, kid: 'k' },
        contentEncryption: 'A256GCM',
        maxCardsPerBatch: 20,
        requestsPerSecond: 0.5,
        policy: { polling: { initial: '10s' } },
      }),
      taskQueue: 'other',
      codec: false,
      versioning: { deployment: 'payments/c2p' },
      sweep: { every: '30m', grace: '7d' },
    });
    expect(programs['demo']).toMatchObject({
      encryptionKey: { jwksUrl, kid: 'k' },
      contentEncryption: 'A256GCM',
      maxCardsPerBatch: 20,
      requestsPerSecond: 0.5,
      policy: { polling: { initial: 10_000 } },
    });
    expect(taskQueue).toBe('other');
    expect(codec).toBe(false);
    expect(versioning).toEqual({ deployment: 'payments/c2p' });
    expect(sweep).toEqual({ every: 1_800_000, grace: 604_800_000 });
  });

  it.each<[string, unknown]>([
    ['versioning.deployment', {}],
    ['versioning.deployment', { deployment: 'c2p.v2' }],
    ['versioning.deployment', { deployment: '__c2p' }],
    ['versioning', { deployment: 'c2p', buildId: '2' }],
    ['versioning', true],
  ])('names %s when versioning is %j', (path, versioning) => {
    expect(refusal(() => parse({ ...CONFIG, versioning })).issues.map((issue) => issue.path)).toEqual([path]);
  });

  it('fills in the defaults of a codec server', () => {
    const token = { jwksUrl: 'https://login.bank.example/keys', issuer: 'bank', audience: 'c2p' };
    const { codecServer } = parse({
      ...CONFIG,
      codecServer: { origins: ['https://temporal.bank.example/'], token },
    });
    expect(codecServer).toEqual({
      host: '127.0.0.1',
      port: 8234,
      origins: ['https://temporal.bank.example'],
      namespaces: ['default'],
      token: { key: { jwksUrl: token.jwksUrl }, issuer: 'bank', audience: 'c2p' },
      requestsPerMinute: 6_000,
      trustedProxies: [],
    });
  });

  it.each<[string, object]>([
    ['codecServer.origins', { origins: [] }],
    ['codecServer.origins.0', { origins: ['*'] }],
    ['codecServer.origins.0', { origins: ['http://temporal.bank.example'] }],
    ['codecServer.origins.0', { origins: ['https://bank.example/temporal'] }],
    ['codecServer.namespaces', { namespaces: [] }],
    ['codecServer.token', { token: { issuer: 'bank', audience: 'c2p' } }],
    [
      'codecServer.token',
      { token: { jwksUrl: 'https://a.example/', secretEnv: 'A', issuer: 'b', audience: 'c' } },
    ],
    ['codecServer.token.secretEnv', { token: { secretEnv: 'not a name', issuer: 'b', audience: 'c' } }],
    ['codecServer.token.issuer', { token: { secretEnv: 'A', audience: 'c' } }],
    ['codecServer.token.jwksUrl', { token: { jwksUrl: 'http://a.example/', issuer: 'b', audience: 'c' } }],
    ['codecServer.tls.key', { tls: { certificate: 'a' } }],
    ['codecServer.trustedProxies.0', { trustedProxies: ['proxy.bank.example'] }],
    ['codecServer.port', { port: 0 }],
    ['codecServer', { mask: false }],
  ])('names %s when the codec server has %j', (path, changes) => {
    const codecServer = {
      origins: ['https://temporal.bank.example'],
      token: { secretEnv: 'C2P_CODEC_SECRET', issuer: 'bank', audience: 'c2p' },
      ...changes,
    };
    expect(refusal(() => parse({ ...CONFIG, codecServer })).issues.map((issue) => issue.path)).toEqual([
      path,
    ]);
  });

  it('takes an authority, a certificate with its key, or both for the connections of a program', () => {
    const tls = {
      ca: 'bank.pem',
      certificate: 'client.pem',
      key: 'client.key',
      passwordEnv: 'CLIENT_PASSWORD',
    };
    expect(parse(withProgram({ tls })).programs['demo']!.tls).toEqual({
      ca: resolve('/etc/c2p/bank.pem'),
      identity: {
        certificate: resolve('/etc/c2p/client.pem'),
        key: resolve('/etc/c2p/client.key'),
        passwordEnv: 'CLIENT_PASSWORD',
      },
    });
    expect(parse(withProgram({ tls: { ca: '/bank.pem' } })).programs['demo']!.tls).toEqual({
      ca: '/bank.pem',
    });
  });

  it.each<[string, unknown]>([
    ['tls', {}],
    ['tls', { certificate: 'client.pem' }],
    ['tls', { ca: 'bank.pem', key: 'client.key' }],
    ['tls', { ca: 'bank.pem', passwordEnv: 'CLIENT_PASSWORD' }],
    ['tls', { ca: 'bank.pem', rejectUnauthorized: false }],
    ['tls.ca', { ca: '' }],
    ['tls.passwordEnv', { certificate: 'c', key: 'k', passwordEnv: 'not a name' }],
  ])('names programs.demo.%s when tls is %j', (path, tls) => {
    const { issues } = refusal(() => parse(withProgram({ tls })));
    expect(issues.map((issue) => issue.path)).toEqual([`programs.demo.${path}`]);
  });

  it.each([null, 0, 'off', {}])('names codec when it is %j', (codec) => {
    expect(refusal(() => parse({ ...CONFIG, codec })).issues.map((issue) => issue.path)).toEqual(['codec']);
  });

  it.each([
    'http://127.0.0.1:8081/src',
    'http://localhost:1',
    'http://[::1]:9/x',
    'https://proxy.bank.example',
  ])('takes the base URL %s', (baseUrl) => {
    expect(parse(withProgram({ baseUrl })).programs['demo']?.baseUrl).toBe(baseUrl);
  });

  it.each([
    ['http://sandbox.api.mastercard.com/src', 'https://'],
    ['http://127.0.0.1.example.com/', 'https://'],
    ['ftp://127.0.0.1/', 'https://'],
    ['https://user:word@api.mastercard.com/', 'user name or password'],
    ['https://api.mastercard.com/src?x=1', 'no ? and no #'],
    ['mastercard', 'must be a URL'],
  ])('refuses the base URL %s', (baseUrl, problem) => {
    const { issues } = refusal(() => parse(withProgram({ baseUrl })));
    expect(issues).toEqual([
      { path: 'programs.demo.baseUrl', message: expect.stringContaining(problem) as string },
    ]);
  });

  it.each<[string, object]>([
    ['programs.demo.srcClientId', { srcClientId: '5E0D4B84-189D-4C86-822D-590602F62062' }],
    ['programs.demo.serviceId', { serviceId: 'a b' }],
    ['programs.demo.consumerKey', { consumerKey: 'a!b!c' }],
    ['programs.demo.consumerKey', { consumerKey: undefined }],
    ['programs.demo.signingKey', { signingKey: { path: 'x', password: 'secret' } }],
    ['programs.demo.signingKey.passwordEnv', { signingKey: { path: 'x', passwordEnv: 'pass word' } }],
    ['programs.demo.encryptionKey', { encryptionKey: {} }],
    ['programs.demo.encryptionKey', { encryptionKey: { path: 'x', jwksUrl: 'https://x.example' } }],
    ['programs.demo.encryptionKey.jwksUrl', { encryptionKey: { jwksUrl: 'http://x.example' } }],
    ['programs.demo.contentEncryption', { contentEncryption: 'A128CBC' }],
    ['programs.demo.maxCardsPerBatch', { maxCardsPerBatch: 0 }],
    ['programs.demo.maxCardsPerBatch', { maxCardsPerBatch: 1.5 }],
    ['programs.demo.requestsPerSecond', { requestsPerSecond: 0 }],
    ['programs.demo.policy.polling.initial', { policy: { polling: { initial: '1h' } } }],
    ['programs.demo.policy.polling.jitter', { policy: { polling: { jitter: 2 } } }],
  ])('names %s when %j is wrong', (path, changes) => {
    expect(refusal(() => parse(withProgram(changes))).issues.map((issue) => issue.path)).toEqual([path]);
  });

  it('takes a command for the key ring, its path from the folder of the file and its arguments as they are', () => {
    const dataKeys = (command: unknown) => parse({ ...CONFIG, dataKeys: { command } }).dataKeys;
    expect(dataKeys(['/usr/local/bin/my-kms', '--ring', ''])).toEqual({
      command: ['/usr/local/bin/my-kms', '--ring', ''],
    });
    expect(dataKeys(['bin/my-kms'])).toEqual({ command: [resolve('/etc/c2p/bin/my-kms')] });
  });

  it('takes the names of what the command has in its environment, but for where secrets of c2p are', () => {
    const environment = ['VAULT_ADDR', 'VAULT_TOKEN'];
    const parsed = parse({ ...CONFIG, dataKeys: { command: ['/x'], environment } }).dataKeys;
    expect(parsed).toEqual({ command: ['/x'], environment });
    const secrets = ['C2P_SIGNING_PASSWORD', 'C2P_TLS_PASSWORD', 'C2P_STORE_URL', 'C2P_CODEC_SECRET'];
    const { issues } = refusal(() =>
      parse({
        ...withProgram({ tls: { certificate: 'c', key: 'k', passwordEnv: 'C2P_TLS_PASSWORD' } }),
        store: { kind: 'postgres', urlEnv: 'C2P_STORE_URL' },
        codecServer: {
          origins: ['https://ui.example'],
          token: { secretEnv: 'C2P_CODEC_SECRET', issuer: 'i', audience: 'a' },
        },
        dataKeys: { command: ['/x'], environment: ['VAULT_ADDR', ...secrets] },
      }),
    );
    expect(issues).toEqual(
      [1, 2, 3, 4].map((at) => ({
        path: `dataKeys.environment.${at}`,
        message:
          'must not be the variable of a password, a database or a secret of c2p: the command needs none',
      })),
    );
  });

  it.each<[string, unknown]>([
    ['dataKeys', {}],
    ['dataKeys', { path: 'x', command: ['x'] }],
    ['dataKeys.command.0', { command: [] }],
    ['dataKeys.command', { command: 'my-kms --ring' }],
    ['dataKeys.command.0', { command: [''] }],
    ['dataKeys.command.1', { command: ['x', 1] }],
    ['dataKeys.path', { path: 1 }],
    ['dataKeys.path', { path: { length: { toString: null } } }],
    ['dataKeys', { path: 'x', environment: ['X'] }],
    ['dataKeys.environment.0', { command: ['x'], environment: ['X=1'] }],
  ])('names %s when dataKeys is %j', (path, dataKeys) => {
    const { issues } = refusal(() => parse({ ...CONFIG, dataKeys }));
    expect([...new Set(issues.map((issue) => issue.path))]).toEqual([path]);
  });

  it('takes a sweep of which one setting is given, and one that is switched off', () => {
    expect(parse({ ...CONFIG, sweep: { grace: '10m' } }).sweep).toEqual({ every: 3_600_000, grace: 600_000 });
    expect(parse({ ...CONFIG, sweep: false }).sweep).toBe(false);
  });

  it.each<[string, string, unknown]>([
    ['sweep.every', 'must be at least 1m and at most 365d', { every: '1s' }],
    ['sweep.every', 'must be a duration', { every: 'often' }],
    ['sweep.every', 'must be a duration', { every: true }],
    ['sweep.grace', 'must be at least 10m and at most 365d', { grace: '9m' }],
    ['sweep', 'it may have: every, grace', { [PAN]: '1h' }],
    ['sweep', 'must be false or an object', true],
    ['sweep', 'must be false or an object', null],
  ])('names %s and says that it %s when it is %j', (path, problem, sweep) => {
    const { issues } = refusal(() => parse({ ...CONFIG, sweep }));
    expect(issues).toEqual([{ path, message: expect.stringContaining(problem) as string }]);
  });

  it('serves metrics to this machine alone unless another address is configured, and nowhere by default', () => {
    expect(parse(CONFIG).metrics).toBeUndefined();
    expect(parse({ ...CONFIG, metrics: { port: 9464 } }).metrics).toEqual({ host: '127.0.0.1', port: 9464 });
    expect(parse({ ...CONFIG, metrics: { host: '::', port: 9464 } }).metrics?.host).toBe('::');
  });

  it.each<[string, unknown]>([
    ['metrics.port', {}],
    ['metrics.port', { port: 0 }],
    ['metrics.host', { host: 'localhost', port: 9464 }],
    ['metrics', true],
  ])('names %s when metrics is %j', (path, metrics) => {
    const { issues } = refusal(() => parse({ ...CONFIG, metrics }));
    expect(issues.map((issue) => issue.path)).toEqual([path]);
  });

  it('takes a store that is a database, by the name of the variable with its URL', () => {
    const store = { kind: 'postgres', urlEnv: 'C2P_STORE_URL' };
    expect(parse({ ...CONFIG, store }).store).toEqual(store);
  });

  it.each<[string, unknown]>([
    ['store.kind', { path: 'data' }],
    ['store.path', { kind: 'filesystem' }],
    ['store.urlEnv', { kind: 'postgres' }],
    ['store.urlEnv', { kind: 'postgres', urlEnv: 'postgres://user:secret@host/db' }],
    ['store', { kind: 'postgres', urlEnv: 'URL', path: 'data' }],
  ])('names %s when store is %j, and repeats nothing of it', (path, store) => {
    const { issues, message } = refusal(() => parse({ ...CONFIG, store }));
    expect(issues.map((issue) => issue.path)).toEqual([path]);
    expect(message).not.toContain('secret');
  });

  it('says what is missing, all at once, with the file', () => {
    const { message, code } = refusal(() => parse({ programs: {}, store: { kind: 'tape' } }));
    expect(code).toBe('CONFIGURATION_INVALID');
    expect(message).toContain(FILE);
    expect(message).toContain('\n  programs: must name at least one program');
    expect(message).toContain('\n  store.kind: must be filesystem or postgres');
    expect(message).toContain('\n  dataKeys: is missing');
  });

  it('says which fields are allowed where it finds one that it does not know, without repeating it', () => {
    const { issues } = refusal(() => parse({ ...CONFIG, dataKeys: { path: 'x', [PAN]: 1 } }));
    expect(issues).toEqual([
      {
        path: 'dataKeys',
        message: 'has a field that c2p does not know; it may have: path, command, environment',
      },
    ]);
  });

  it('gives a program that may not be named so by its position', () => {
    for (const name of [PAN, 'my program', '../x']) {
      const { message, issues } = refusal(() =>
        parse({ ...CONFIG, programs: { demo: PROGRAM, [name]: PROGRAM } }),
      );
      expect(issues).toHaveLength(1);
      expect(issues[0]?.path).toMatch(/^programs\.#[12]$/);
      expect(message).not.toContain(name);
    }
  });

  it.each([
    ['{\n  "programs": {},\n  "store" 1\n}', 'line 3, column 11'],
    ['{ "taskQueue": "c2p", }', 'line 1, column 23'],
    ['{ // comment\n}', 'line 1, column 3'],
    ['', 'line 1, column 1'],
    ['{"dataKeys"', 'line 1, column 12'],
  ])('says where %j is not JSON', (text, place) => {
    const { message, cause } = refusal(() => parseConfig(text, FILE));
    expect(message).toContain(`is not JSON at ${place}`);
    expect(cause).toBeUndefined();
  });

  it('says so where there are too many brackets in one another to find the place', () => {
    const { message } = refusal(() => parseConfig('['.repeat(50_000), FILE));
    expect(message).toContain('is not JSON: there are thousands of brackets in one another');
  });

  it('answers any JSON with a configuration or a ConfigError that repeats no value and no foreign name', () => {
    const foreign = fc.string({ minLength: 6 }).map((text) => `«${text}»`);
    const anything = fc.oneof(
      { weight: 3, arbitrary: fc.jsonValue() },
      { weight: 2, arbitrary: foreign },
      { weight: 1, arbitrary: fc.dictionary(foreign, foreign) },
      { weight: 1, arbitrary: fc.constant({ ['__proto__']: 1, constructor: 'x' }) },
    );
    // A valid configuration in which something anywhere is replaced or added.
    const places = [
      '',
      'programs',
      'store',
      'dataKeys',
      'taskQueue',
      'sweep',
      'programs.demo',
      'programs.demo.signingKey',
      'programs.demo.encryptionKey',
      'programs.demo.policy',
      'programs.demo.baseUrl',
      'programs.demo.consumerKey',
    ];
    const mutation = fc.record({
      place: fc.constantFrom(...places),
      add: fc.boolean(),
      name: foreign,
      value: anything,
    });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const root = { root: structuredClone(CONFIG) as unknown };
        for (const { place, add, name, value } of mutations) {
          const path = ['root', ...place.split('.').filter(Boolean), ...(add ? [name] : [])];
          let at: Record<string, unknown> | undefined = root;
          for (const step of path.slice(0, -1)) at = at?.[step] as Record<string, unknown> | undefined;
          // A copy: a later mutation may write into it, and the generator's own constant must stay as it is.
          if (at !== null && typeof at === 'object') at[path.at(-1) ?? ''] = structuredClone(value);
        }
        const text = JSON.stringify(root.root);
        for (const broken of [text, text.slice(0, -1), text.replace(':', ',')]) {
          try {
            parseConfig(broken, FILE);
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
            expect((error as ConfigError).message).not.toContain('«');
            expect(JSON.stringify((error as ConfigError).issues)).not.toContain('«');
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('with files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'c2p-config-'));
    await writeFile(join(folder, 'c2p.config.json'), JSON.stringify(CONFIG));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  it('loadConfig reads the file that C2P_CONFIG names', async () => {
    vi.stubEnv('C2P_CONFIG', join(folder, 'c2p.config.json'));
    expect((await loadConfig()).dataKeys).toEqual({ path: join(folder, 'keys', 'data-keys.json') });
  });

  it('loadConfig passes over a byte order mark, and says of UTF-16 that it is UTF-16', async () => {
    const path = join(folder, 'marked.json');
    await writeFile(path, `\uFEFF${JSON.stringify(CONFIG)}`);
    expect(await loadConfig(path)).toMatchObject({ path, taskQueue: 'c2p' });
    await writeFile(path, '\uFEFF{ "taskQueue" 1 }');
    await expect(loadConfig(path)).rejects.toThrow('is not JSON at line 1, column 15');
    const utf16 = Buffer.from(`\uFEFF${JSON.stringify(CONFIG)}`, 'utf16le');
    for (const bytes of [utf16, Buffer.from(utf16).swap16()]) {
      await writeFile(path, bytes);
      await expect(loadConfig(path)).rejects.toThrow('is UTF-16; save it as UTF-8');
    }
  });

  it('loadConfig says how to point to the file when it is not there', async () => {
    const missing = join(folder, 'missing.json');
    await expect(loadConfig(missing)).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      message: `the configuration ${missing} cannot be used:\n  there is no such file; set C2P_CONFIG to the path of your configuration`,
    });
    await expect(loadConfig(folder)).rejects.toThrow('EISDIR');
  });

  it('checkSecrets names every file that is missing and every variable that is not set', async () => {
    const config = await loadConfig(join(folder, 'c2p.config.json'));
    await mkdir(join(folder, 'keys', 'data-keys.json'), { recursive: true });
    const keys = join(folder, 'keys');
    await expect(checkSecrets(config, {})).rejects.toMatchObject({
      issues: [
        { path: 'dataKeys.path', message: `is not a file: ${join(keys, 'data-keys.json')}` },
        {
          path: 'programs.demo.signingKey.path',
          message: `file does not exist: ${join(keys, 'signing.p12')}`,
        },
        {
          path: 'programs.demo.signingKey.passwordEnv',
          message: 'the environment variable that it names is not set',
        },
        {
          path: 'programs.demo.encryptionKey.path',
          message: `file does not exist: ${join(keys, 'mastercard.pem')}`,
        },
      ],
    });
  });

  it('checkSecrets is content when all is there', async () => {
    const config = await loadConfig(join(folder, 'c2p.config.json'));
    await mkdir(join(folder, 'keys'));
    for (const name of ['data-keys.json', 'signing.p12', 'mastercard.pem'])
      await writeFile(join(folder, 'keys', name), '', { mode: 0o600 });
    await expect(checkSecrets(config, { C2P_SIGNING_PASSWORD: '' })).resolves.toBeUndefined();
  });

  it('checkSecrets wants the files of tls, and the variable with the password of its key', async () => {
    const keys = join(folder, 'keys');
    await mkdir(keys);
    for (const name of ['data-keys.json', 'signing.p12', 'mastercard.pem'])
      await writeFile(join(keys, name), '', { mode: 0o600 });
    const at = (name: string) => join(keys, name);
    const config = await loadConfig(join(folder, 'c2p.config.json'));
    config.programs['demo']!.tls = {
      ca: at('bank.pem'),
      identity: { certificate: at('client.pem'), key: at('client.key'), passwordEnv: 'CLIENT_PASSWORD' },
    };
    const env = { C2P_SIGNING_PASSWORD: '' };
    await expect(checkSecrets(config, env)).rejects.toMatchObject({
      issues: [
        { path: 'programs.demo.tls.ca', message: `file does not exist: ${at('bank.pem')}` },
        { path: 'programs.demo.tls.certificate', message: `file does not exist: ${at('client.pem')}` },
        { path: 'programs.demo.tls.key', message: `file does not exist: ${at('client.key')}` },
        {
          path: 'programs.demo.tls.passwordEnv',
          message: 'the environment variable that it names is not set',
        },
      ],
    });
    for (const name of ['bank.pem', 'client.pem']) await writeFile(at(name), '');
    await writeFile(at('client.key'), '', { mode: 0o600 });
    await expect(checkSecrets(config, { ...env, CLIENT_PASSWORD: '' })).resolves.toBeUndefined();
  });

  it('checkSecrets wants the URL of a store that is a database, and shows neither it nor its name', async () => {
    await mkdir(join(folder, 'keys'));
    for (const name of ['data-keys.json', 'signing.p12', 'mastercard.pem'])
      await writeFile(join(folder, 'keys', name), '', { mode: 0o600 });
    const config: C2pConfig = {
      ...(await loadConfig(join(folder, 'c2p.config.json'))),
      store: { kind: 'postgres', urlEnv: 'C2P_STORE_URL' },
    };
    const env = { C2P_SIGNING_PASSWORD: '' };
    await expect(checkSecrets(config, { ...env, C2P_STORE_URL: '' })).rejects.toMatchObject({
      issues: [{ path: 'store.urlEnv', message: 'the environment variable that it names is not set' }],
    });
    await expect(checkSecrets(config, { ...env, C2P_STORE_URL: 'postgres://h/d' })).resolves.toBeUndefined();
  });

  describe.skipIf(process.platform === 'win32')('checkSecrets', () => {
    const problems = (config: C2pConfig) =>
      checkSecrets(config, { C2P_SIGNING_PASSWORD: '' }).then(
        () => [],
        (error: unknown) => (error as ConfigError).issues,
      );

    it('refuses files with secrets that group or world can read, and no certificate', async () => {
      const config = await loadConfig(join(folder, 'c2p.config.json'));
      const keys = join(folder, 'keys');
      await mkdir(keys);
      const file = (name: string, mode: number) =>
        writeFile(join(keys, name), '').then(() => chmod(join(keys, name), mode));
      await file('data-keys.json', 0o640);
      await file('signing.p12', 0o604);
      await file('mastercard.pem', 0o644);
      expect(await problems(config)).toEqual([
        {
          path: 'dataKeys.path',
          message: `others can read it (mode 0640); run: chmod 600 '${keys}/data-keys.json'`,
        },
        {
          path: 'programs.demo.signingKey.path',
          message: `others can read it (mode 0604); run: chmod 600 '${keys}/signing.p12'`,
        },
      ]);
    });

    it('refuses a key of tls that group or world can read', async () => {
      const parsed = await loadConfig(join(folder, 'c2p.config.json'));
      const [certificate, key] = [join(folder, 'client.pem'), join(folder, 'client.key')];
      for (const file of [certificate, key]) await writeFile(file, '');
      await chmod(key, 0o640);
      const { demo } = parsed.programs;
      const signingKey = { path: join(folder, 'signing.pem') };
      await writeFile(signingKey.path, '', { mode: 0o600 });
      const encryptionKey = { jwksUrl: 'https://bank.example' };
      const program = { ...demo!, signingKey, encryptionKey, tls: { identity: { certificate, key } } };
      const config = {
        ...parsed,
        programs: { demo: program },
        dataKeys: { command: ['/bin/sh'] as [string] },
      };
      const message = `others can read it (mode 0640); run: chmod 600 '${key}'`;
      expect(await problems(config)).toEqual([{ path: 'programs.demo.tls.key', message }]);
    });

    it("refuses a key of Temporal's TLS that group or world can read", async () => {
      const parsed = await loadConfig(join(folder, 'c2p.config.json'));
      const key = join(folder, 'temporal.key');
      await writeFile(key, '');
      await chmod(key, 0o640);
      const command = '/bin/sh';
      vi.stubEnv('TEMPORAL_TLS_CLIENT_KEY_PATH', key);
      const found = await problems({ ...parsed, programs: {}, dataKeys: { command: [command] } });
      vi.unstubAllEnvs();
      const message = `others can read it (mode 0640); run: chmod 600 '${key}'`;
      expect(found).toEqual([{ path: "the key of Temporal's TLS", message }]);
    });

    it('wants of a command for the key ring that this user can run it, and nobody else change it', async () => {
      const parsed = await loadConfig(join(folder, 'c2p.config.json'));
      const command = join(folder, 'my-kms');
      const config: C2pConfig = { ...parsed, programs: {}, dataKeys: { command: [command] } };
      const issue = (message: string) => [{ path: 'dataKeys.command.0', message }];
      expect(await problems(config)).toEqual(issue(`file does not exist: ${command}`));
      await writeFile(command, '#!/bin/sh', { mode: 0o600 });
      expect(await problems(config)).toEqual(issue(`file cannot be run (EACCES): ${command}`));
      await chmod(command, 0o775);
      expect(await problems(config)).toEqual(
        issue(`others can change it (the file ${command} has mode 0775); run: chmod go-w '${command}'`),
      );
      await chmod(command, 0o755);
      expect(await problems(config)).toEqual([]);
    });
  });
});
