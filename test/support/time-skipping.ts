import type { ConnectionPlugin } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { findOrInstallTestServer } from '../../dev/test-server.js';
import { indexedValueTypes } from '../../worker/search-attributes.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.js';

type TestClientOptions = NonNullable<
  Parameters<typeof TestWorkflowEnvironment.createTimeSkipping>[0]
>['client'];

/** The time-skipping server takes frequent pings for an attack, and then closes the connection, calls and all. */
const SELDOM_PINGS: ConnectionPlugin = {
  name: 'seldom-pings',
  configureConnection: (options) => ({
    ...options,
    channelArgs: { ...options.channelArgs, 'grpc.keepalive_time_ms': 24 * 3_600_000 },
  }),
};

/** The SDK gives the server five seconds to start, which a JVM on a busy machine can miss. */
const STARTS = 3;

/**
 * A time-skipping Temporal that knows c2p's search attributes. Its time is global: one environment a
 * test file, and the tests in it one after the other. Call `teardown()` at the end.
 */
export async function createTimeSkippingEnv(
  client: TestClientOptions = {},
): Promise<TestWorkflowEnvironment> {
  const { path } = await findOrInstallTestServer();
  const env = await start(path, client);
  // This server can add search attributes but not list them.
  await env.connection.operatorService.addSearchAttributes({
    namespace: env.namespace ?? 'default',
    searchAttributes: indexedValueTypes(SEARCH_ATTRIBUTES),
  });
  return env;
}

async function start(path: string, client: TestClientOptions): Promise<TestWorkflowEnvironment> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await TestWorkflowEnvironment.createTimeSkipping({
        server: { executable: { type: 'existing-path', path } },
        client,
        plugins: [SELDOM_PINGS],
      });
    } catch (error) {
      if (attempt === STARTS) throw error;
    }
  }
}

/** So long (ms) no attempt of an activity takes here, and no workflow task: time that stands still is locked for good. */
const STANDS_STILL_MS = 3_000;

/**
 * A lock on time is left behind when a child ends whose parent handed over to a new run just before. This takes it
 * away while a test waits for a result or sleeps, as soon as time stands still.
 * @returns ends it.
 */
export function freeTime(env: TestWorkflowEnvironment): () => void {
  let waiting = 0;
  const countWaiting = <Args extends unknown[], T>(wait: (...args: Args) => Promise<T>) => {
    return (...args: Args): Promise<T> => {
      waiting += 1;
      return wait(...args).finally(() => void (waiting -= 1));
    };
  };
  const { workflow } = env.client;
  workflow.result = countWaiting(workflow.result.bind(workflow)) as typeof workflow.result;
  env.sleep = countWaiting(env.sleep.bind(env));

  let skipped = { by: 0, since: Date.now() };
  const look = async (): Promise<void> => {
    const now = Date.now();
    const by = Math.round(((await env.currentTimeMs()) - now) / 1_000);
    if (waiting === 0 || by !== skipped.by) skipped = { by, since: now };
    else if (now - skipped.since >= STANDS_STILL_MS) {
      skipped = { by, since: now };
      await (env.connection as TestEnvConnection).testService.unlockTimeSkipping({});
    }
  };
  const timer = setInterval(() => void look().catch(() => undefined), 500);
  return () => {
    clearInterval(timer);
  };
}

type TestEnvConnection = TestWorkflowEnvironment['connection'] & {
  testService: { unlockTimeSkipping(request: object): Promise<unknown> };
};
