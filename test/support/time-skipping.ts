import type { ConnectionPlugin } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
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

/** So long (ms) time stands still only where it is locked for good: no workflow task takes so long here. */
const STANDS_STILL_MS = 2_000;

/**
 * The time-skipping server leaves a lock on its time behind when a child ends whose parent ended, or handed over to a
 * new run, just before. This takes such a lock away, as soon as time stands still while a test waits for a result or
 * sleeps, and no activity runs.
 */
export class FreeTime {
  private waiting = 0;
  private activities = 0;
  private skipped = { by: 0, since: Date.now() };
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly env: TestWorkflowEnvironment) {
    const { workflow } = env.client;
    workflow.result = this.counting(workflow.result.bind(workflow)) as typeof workflow.result;
    env.sleep = this.counting(env.sleep.bind(env));
    this.timer = setInterval(() => void this.look().catch(() => undefined), 250);
  }

  /** Of every worker. */
  readonly interceptor: ActivityInterceptorsFactory = () => ({
    inbound: {
      execute: (input, next) => {
        this.activities += 1;
        return next(input).finally(() => void (this.activities -= 1));
      },
    },
  });

  end(): void {
    clearInterval(this.timer);
  }

  private counting<Args extends unknown[], T>(wait: (...args: Args) => Promise<T>) {
    return (...args: Args): Promise<T> => {
      this.waiting += 1;
      return wait(...args).finally(() => void (this.waiting -= 1));
    };
  }

  private async look(): Promise<void> {
    const now = Date.now();
    const by = Math.round(((await this.env.currentTimeMs()) - now) / 1_000);
    const { skipped } = this;
    if (this.waiting === 0 || this.activities > 0 || by !== skipped.by) this.skipped = { by, since: now };
    else if (now - skipped.since >= STANDS_STILL_MS) {
      this.skipped = { by, since: now };
      await (this.env.connection as TestEnvConnection).testService.unlockTimeSkipping({});
    }
  }
}

type TestEnvConnection = TestWorkflowEnvironment['connection'] & {
  testService: { unlockTimeSkipping(request: object): Promise<unknown> };
};
