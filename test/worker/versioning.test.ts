import { createRequire } from 'node:module';
import type { Logger } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../../config/errors.js';
import {
  deploymentOptions,
  deploymentVersion,
  logRouting,
  type DeploymentConnection,
} from '../../worker/versioning.js';

const { version: packageVersion } = createRequire(import.meta.url)('c2p/package.json') as { version: string };
const config = { path: '/etc/c2p.config.json', versioning: { deployment: 'c2p' } };

describe('the version of a worker', () => {
  test('is none where the configuration does not turn versioning on, whatever the environment says', () => {
    const version = deploymentVersion({ path: config.path }, { TEMPORAL_WORKER_BUILD_ID: '7' });
    expect(version).toBeUndefined();
    expect(deploymentOptions(version)).toEqual({});
  });

  test("is the deployment of the configuration with the image's build id", () => {
    const version = deploymentVersion(config, { TEMPORAL_WORKER_BUILD_ID: '1.4.0-7f3a9c2' });
    expect(version).toEqual({ deploymentName: 'c2p', buildId: '1.4.0-7f3a9c2' });
  });

  test.each([{}, { TEMPORAL_WORKER_BUILD_ID: '' }])(
    "has the package's version as build id with %j",
    (env) => {
      expect(deploymentVersion(config, env)).toEqual({ deploymentName: 'c2p', buildId: packageVersion });
    },
  );

  test.each(['__internal', 'two words', 'a:b', '-1', 'x'.repeat(129)])('cannot be %j', (buildId) => {
    expect(() => deploymentVersion(config, { TEMPORAL_WORKER_BUILD_ID: buildId })).toThrow(ConfigError);
    expect(() => deploymentVersion(config, { TEMPORAL_WORKER_BUILD_ID: buildId })).toThrow(
      'TEMPORAL_WORKER_BUILD_ID: must be at most 128 letters',
    );
  });
});

describe('the log of a worker that starts', () => {
  const version = { deploymentName: 'c2p', buildId: '2' };
  const [ours, other] = [version, { ...version, buildId: '1' }];
  const command =
    'temporal worker deployment set-current-version --namespace cards --deployment-name c2p --build-id 2';

  /** What is logged when Temporal answers so. */
  async function logged(answer: object | Error) {
    const logger = { info: vi.fn(), warn: vi.fn() };
    const describeWorkerDeployment = () =>
      answer instanceof Error
        ? Promise.reject(answer)
        : Promise.resolve({ workerDeploymentInfo: { routingConfig: answer } });
    const connection = { workflowService: { describeWorkerDeployment } } as unknown as DeploymentConnection;
    await logRouting(connection, 'cards', version, logger as unknown as Logger);
    const messages = ({ mock }: typeof logger.info) => mock.calls.map((call) => String(call[1]));
    return { info: messages(logger.info), warn: messages(logger.warn) };
  }

  test.each<[string, number, object]>([
    ['it is current', 100, { currentDeploymentVersion: ours }],
    [
      'it is ramping',
      20,
      { currentDeploymentVersion: other, rampingDeploymentVersion: ours, rampingVersionPercentage: 20 },
    ],
    [
      'another is ramping',
      80,
      { currentDeploymentVersion: ours, rampingDeploymentVersion: other, rampingVersionPercentage: 20 },
    ],
  ])('says which part of the new batches the version gets: %s', async (_, percent, routing) => {
    expect(await logged(routing)).toEqual({
      info: [`this version gets ${percent} % of the new batches`],
      warn: [],
    });
  });

  test.each<[string, object | Error]>([
    ['another version is current', { currentDeploymentVersion: other }],
    ['no version is current', {}],
    ['nothing of the deployment has ever run', grpcError(5)],
  ])('warns of a version that gets none, with the command that changes it: %s', async (_, answer) => {
    const { info, warn } = await logged(answer);
    expect(info).toEqual([]);
    expect(warn).toEqual([expect.stringMatching(/^this version is not current: it gets no new batches/)]);
    expect(warn[0]).toContain(command);
  });

  test('says that it cannot find out when it may not ask', async () => {
    const { warn } = await logged(grpcError(7));
    expect(warn).toEqual([expect.stringMatching(/^cannot find out whether this version is current/)]);
    expect(warn[0]).toContain(command);
  });

  test('hides no error that is not the answer of a server', async () => {
    await expect(logged(new TypeError('a mistake'))).rejects.toThrow('a mistake');
  });
});

function grpcError(code: number): Error {
  return Object.assign(new Error(`${code}`), { code, details: 'because', metadata: {} });
}
