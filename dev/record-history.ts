import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Command } from 'commander';
import { loadTemporalConfig } from '../config/temporal.js';

/**
 * `node dist/dev/record-history.js WORKFLOW_ID FILE`: writes the history of a workflow as the golden
 * tests replay it. Histories of a release are recorded once, with that release, and never again.
 */
const [workflowId, file] = new Command('record-history')
  .argument('<workflowId>')
  .argument('<file>', 'test/histories/<version>-<what happened>.json')
  .parse().processedArgs as [string, string];

const { connectionOptions, namespace } = loadTemporalConfig();
const connection = await Connection.connect(connectionOptions);
try {
  const client = new Client({ connection, namespace });
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  // Stack traces and identities name the machine that made them, and take no part in a replay.
  const anonymous = JSON.parse(historyToJSON(history), (key, value: unknown) =>
    key === 'stackTrace' || key === 'identity' ? '' : value,
  ) as unknown;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(anonymous, null, 1)}\n`, { flag: 'wx' });
} finally {
  await connection.close();
}
