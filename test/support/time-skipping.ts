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
