import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import ms from 'ms';
import { describe, expect, it } from 'vitest';
import { codecServerCommand } from '../../cli/commands/codec-server.js';
import { simulatorCommand } from '../../cli/commands/simulator.js';
import { workerCommand } from '../../cli/commands/worker.js';
import { checkSecrets, loadConfig, parseConfig } from '../../config/load.js';
import { prepareSandboxKeys } from '../../dev/sandbox.js';
import { WIRE } from '../../simulator/wire.js';
import { CONTROL_PATH } from '../../simulator/control.js';
import { temporaryFolder } from '../dev/machine.js';
import type { Service } from './compose-file.js';
import { composeText, mounts, readRoot, rootFile, service, services, volumeNames } from './compose-file.js';

const packageJson = JSON.parse(readRoot('package.json')) as { version: string; bin: { c2p: string } };
const dockerfile = readRoot('Dockerfile');

const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]);

const ours = services.filter(([, { image }]) => image.startsWith('c2p:'));
const oneShots = services.filter(([, { restart }]) => restart.startsWith('on-failure'));
const longRunning = services.filter(([, { restart }]) => restart === 'unless-stopped');

/** In `signingKey.passwordEnv` and `codecServer.token.secretEnv`. */
const NAMED_BY_CONFIGURATIONS = ['C2P_SIGNING_PASSWORD', 'C2P_CODEC_SECRET'];

describe('every service', () => {
  it('is either long-running, with a health check, or a one-shot that others wait for', () => {
    expect(longRunning.length + oneShots.length).toBe(services.length);
    for (const [name, { healthcheck }] of longRunning) expect(healthcheck?.test, name).toBeDefined();
    for (const [name] of oneShots) {
      const conditions = services.flatMap(([, { depends_on }]) => depends_on?.[name]?.condition ?? []);
      expect(new Set(conditions), name).toEqual(new Set(['service_completed_successfully']));
    }
  });

  it('waits for what it depends on to be healthy or complete, and only for services that exist', () => {
    const names = services.map(([name]) => name);
    for (const [name, { depends_on = {}, network_mode }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect(names, name).toContain(other);
        // A service in another's network needs only that that one runs.
        if (condition === 'service_started') expect(network_mode, name).toBe(`service:${other}`);
      }
    }
  });

  it('has an image of an exact version, and ours that of the package', () => {
    const exact = /^[a-z0-9/-]+:\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$/;
    for (const [name, { image }] of services) expect(image, name).toMatch(exact);
    for (const [name, { image }] of ours) expect(image, name).toBe(`c2p:${packageJson.version}`);
    for (const base of bases) expect(base).toMatch(/^node:20\.\d+\.\d+-bookworm-slim@sha256:[0-9a-f]{64}$/);
    expect(new Set(bases).size).toBe(1);
  });

  it('has an image that its digest pins, or a comment that says why nobody knows one', () => {
    const foreign = [...composeText.matchAll(/(?:^ *#(.*)\n)?^ *image: (?!c2p:)(\S+)/gm)];
    expect(foreign.length).toBe(services.length - ours.length);
    for (const [, comment, image] of foreign)
      if (!image!.includes('@sha256:')) expect(comment ?? '', image).toMatch(/^ No digest: /);
  });

  it('holds no secret: each comes from the environment, which must have it', () => {
    for (const [name, { environment = {} }] of services) {
      for (const [variable, value] of Object.entries(environment)) {
        if (!/PASSWORD|PWD|SECRET|TOKEN|PASSPHRASE|API_KEY/.test(variable)) continue;
        expect(value ?? '${passed on:?}', `${name} ${variable}`).toMatch(/^\$\{[^}]+:\?[^}]*\}$/);
      }
    }
  });

  it('publishes its ports on loopback only', () => {
    const ports = services.flatMap(([, { ports = [] }]) => ports);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it('has no privileges, and ours no root, no writable root file system and no core dumps', () => {
    for (const [name, { cap_drop }] of services) expect(cap_drop, name).toEqual(['ALL']);
    for (const [name, { read_only }] of ours) expect(read_only, name).toBe(true);
    for (const [name, { ulimits }] of ours) expect(ulimits, name).toEqual({ core: 0 });
    expect(dockerfile.lastIndexOf('USER node')).toBeGreaterThan(dockerfile.lastIndexOf('FROM'));
  });

  it('mounts only volumes that are declared or files that are there', () => {
    for (const [name, definition] of services) {
      for (const { source } of mounts(definition)) {
        const known = source.startsWith('.') ? existsSync(rootFile(source)) : volumeNames.includes(source);
        expect(known, `${name} ${source}`).toBe(true);
      }
    }
  });
});

describe('the image', () => {
  it("starts the package's command, by default the worker", () => {
    expect(dockerfile).toContain(`ENTRYPOINT ["node", "${packageJson.bin.c2p}"]`);
    expect(dockerfile).toContain(`CMD ["${workerCommand.name()}"]`);
  });

  it('is built without the install scripts of its packages', () => {
    const installs = dockerfile.match(/npm (?:ci|install|prune)[^&\n]*/g)!;
    expect(installs.length).toBeGreaterThan(0);
    for (const install of installs) expect(install).toContain('--ignore-scripts');
  });

  it('does not get keys, stores or databases from the folder in which it is built', () => {
    const ignored = readRoot('.dockerignore').split('\n');
    expect(ignored).toEqual(
      expect.arrayContaining(['**/keys', '**/*.pem', '**/*.p12', '**/*.db', '**/data', '.c2p', '.env*']),
    );
  });
});

describe('the worker', () => {
  const worker = service('worker');

  it('runs a command of c2p, as the simulator does with options that it knows', () => {
    expect(worker.command).toEqual([workerCommand.name()]);
    const [command, ...options] = service('simulator').command ?? [];
    expect(command).toBe(simulatorCommand.name());
    expect(simulatorCommand.parseOptions(options)).toEqual({ operands: [], unknown: [] });
  });

  it('gets only variables that c2p reads', () => {
    const sources = ['cli/commands/worker.ts', 'cli/log-level.ts', 'config/load.ts'].map(readRoot).join('\n');
    for (const [name, { environment = {} }] of ours) {
      for (const variable of Object.keys(environment)) {
        if (!variable.startsWith('C2P_') || NAMED_BY_CONFIGURATIONS.includes(variable)) continue;
        expect(sources, name).toMatch(new RegExp(`env(\\.${variable}\\b|\\['${variable}'\\])`));
      }
    }
  });

  it('finds the Temporal of the same file', () => {
    const env = environmentOf(worker);
    const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: env });
    expect(connectionOptions.address).toBe('temporal:7233');
    expect(service('temporal').ports).toEqual(['127.0.0.1:7233:7233']);
    expect(namespace).toBe(service('temporal-namespace').environment?.['TEMPORAL_NAMESPACE']);
  });

  it('is healthy when it has written its ready file, which does not outlive the container', () => {
    const readyFile = worker.environment?.['C2P_READY_FILE'] ?? '';
    expect(worker.healthcheck?.test).toEqual(['CMD', 'test', '-f', readyFile]);
    expect(worker.tmpfs).toContain(dirname(readyFile));
  });

  it('is given more time to stop than it gives to running activities', () => {
    const grace = /GRACE_TIME = '(\w+)'/.exec(readRoot('worker/run-worker.ts'))?.[1];
    expect(ms(worker.stop_grace_period as ms.StringValue)).toBeGreaterThan(ms(grace as ms.StringValue));
  });
});

describe('the codec server', () => {
  it('is where the browser that shows the Web UI looks for it, the real one as that of the sandbox', () => {
    const uiPort = service('temporal-ui').ports?.[0]?.split(':')[1];
    const endpoint = service('temporal-ui').environment?.['TEMPORAL_CODEC_ENDPOINT'];
    for (const name of ['codec-server', 'sandbox-codec-server']) {
      const [host, port] = service(name).ports?.[0]?.split(':') ?? [];
      expect(endpoint, name).toContain(`:-http://${host}:${port}}`);
    }
    const { entrypoint = [] } = service('sandbox-codec-server');
    const [, script = '', port, allowedUiPort, namespace] = entrypoint;
    expect(existsSync(rootFile(script.replace('dist/', '').replace('.js', '.ts')))).toBe(true);
    expect(service('sandbox-codec-server').ports).toEqual([`127.0.0.1:${port}:${port}`]);
    expect(allowedUiPort).toBe(uiPort);
    expect(namespace).toBe(service('temporal-namespace').environment?.['TEMPORAL_NAMESPACE']);
    expect(service('codec-server').command).toEqual([codecServerCommand.name()]);
  });
});

describe('the configuration of the sandbox', () => {
  const containerPath = service('worker').environment?.['C2P_CONFIG'] ?? '';
  const config = parseConfig(readRoot('docker/c2p.config.json'), containerPath);
  const program = config.programs['demo'];

  it('is mounted where worker and simulator look for it, read-only', () => {
    for (const name of ['worker', 'simulator']) {
      expect(service(name).environment?.['C2P_CONFIG']).toBe(containerPath);
      expect(mounts(service(name)), name).toContainEqual({
        source: './docker/c2p.config.json',
        target: containerPath,
        readOnly: true,
      });
    }
  });

  it('has its store on a volume that the worker may write, and its keys on one that it may not', () => {
    const targets = mounts(service('worker'));
    const store = targets.find(({ target }) => 'path' in config.store && target === config.store.path);
    expect(store).toMatchObject({ readOnly: false });
    const keys = targets.find(
      ({ target }) => target === dirname('path' in config.dataKeys ? config.dataKeys.path : ''),
    );
    expect(keys).toMatchObject({ readOnly: true });
    expect(dirname(program?.signingKey.path ?? '')).toBe(keys?.target);
  });

  it('points at the simulator, which shares the network of the worker', () => {
    const simulator = service('simulator');
    expect(simulator.network_mode).toBe('service:worker');
    const port = optionOf(simulator, '--port');
    expect(program?.baseUrl).toBe(`http://127.0.0.1:${port}${WIRE.basePath}`);
    expect(simulator.healthcheck?.test.at(-1)).toContain(`http://127.0.0.1:${port}${CONTROL_PATH}/health`);
  });

  it('finds the keys that the sandbox makes for it', async () => {
    const { entrypoint = [], ...definition } = service('sandbox-keys');
    const [, script = '', target = ''] = entrypoint;
    expect(existsSync(rootFile(script.replace('dist/', '').replace('.js', '.ts')))).toBe(true);
    expect(mounts(definition)).toEqual([
      { source: 'sandbox-keys', target: join(target, 'keys'), readOnly: false },
    ]);
    expect(optionOf(service('simulator'), '--keys')).toBe(join(target, 'keys'));

    const folder = await temporaryFolder();
    await prepareSandboxKeys(folder);
    await copyFile(rootFile('docker/c2p.config.json'), join(folder, 'c2p.config.json'));
    await checkSecrets(await loadConfig(join(folder, 'c2p.config.json')), {});
  });
});

function environmentOf({ environment = {} }: Service): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
  );
}

function optionOf({ command = [] }: Service, option: string): string | undefined {
  return command[command.indexOf(option) + 1];
}
