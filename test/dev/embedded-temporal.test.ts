import { readFile, readlink, readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EmbeddedTemporal } from '../../dev/embedded-temporal.js';
import {
  EmbeddedTemporalError,
  externalTemporalAddress,
  startEmbeddedTemporal,
} from '../../dev/embedded-temporal.js';
import { fakeProgram, temporaryFolder } from './machine.js';

async function client({ address, namespace }: EmbeddedTemporal): Promise<Client> {
  const connection = await Connection.connect({ address });
  onTestFinished(() => connection.close());
  return new Client({ connection, namespace });
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the embedded Temporal', () => {
  it('keeps a workflow through SIGKILL and a restart on the same database file', async () => {
    const dbFilename = join(await temporaryFolder(), 'new', 'temporal.db');
    const first = await startEmbeddedTemporal({ dbFilename, namespace: 'cards' });
    onTestFinished(first.kill);
    const started = await (
      await client(first)
    ).workflow.start('anything', { taskQueue: 'none', workflowId: 'survivor' });
    await first.kill();
    expect(alive(first.pid)).toBe(false);

    const second = await startEmbeddedTemporal({ dbFilename, namespace: 'cards' });
    onTestFinished(second.stop);
    const { status, runId } = await (await client(second)).workflow.getHandle('survivor').describe();
    expect({ status: status.name, runId }).toEqual({ status: 'RUNNING', runId: started.firstExecutionRunId });
    const listed: string[] = [];
    for await (const { workflowId } of (await client(second)).workflow.list()) listed.push(workflowId);
    expect(listed).toEqual(['survivor']);
  });

  it('stops in an orderly way, leaving its log beside the database and readable only by its owner', async () => {
    const folder = await temporaryFolder();
    const server = await startEmbeddedTemporal({ dbFilename: join(folder, 'temporal.db') });
    await server.stop();
    expect(alive(server.pid)).toBe(false);
    expect(server.logFile).toBe(join(folder, 'temporal.log'));
    expect(await readFile(server.logFile, 'utf8')).toContain('Stopping server');
    expect((await stat(server.logFile)).mode & 0o777).toBe(0o600);
  });

  it('serves the Web UI', async () => {
    const server = await startEmbeddedTemporal({ logFile: join(await temporaryFolder(), 'log') });
    onTestFinished(server.stop);
    expect(await (await fetch(server.uiUrl)).text()).toContain('<html');
  });

  it.runIf(process.platform === 'linux')('listens on loopback only (checked on Linux)', async () => {
    const server = await startEmbeddedTemporal({ logFile: join(await temporaryFolder(), 'log') });
    onTestFinished(server.stop);
    const addresses = await listeningAddresses(server.pid);
    expect(addresses.length).toBeGreaterThan(1);
    expect(new Set(addresses)).toEqual(new Set(['0100007F']));
  });

  it('says why it did not start, with the end of its log', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void blocker.close());
    const { port } = blocker.address() as AddressInfo;
    const logFile = join(await temporaryFolder(), 'log');
    const error: unknown = await startEmbeddedTemporal({ port, logFile }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(EmbeddedTemporalError);
    expect(error).toMatchObject({ code: 'EMBEDDED_TEMPORAL_FAILED' });
    expect((error as Error).message).toContain('it ended (exit code 1)');
    expect((error as Error).message).toContain('address already in use');
  });

  it('does not pass TEMPORAL_ variables on to the server', async () => {
    const folder = await temporaryFolder();
    const cli = await fakeProgram(folder, 'temporal', 'echo "namespace=$TEMPORAL_NAMESPACE home=$HOME"');
    const env = { TEMPORAL_CLI_PATH: cli, TEMPORAL_NAMESPACE: 'elsewhere', HOME: '/home/somebody' };
    const logFile = join(folder, 'log');
    await expect(startEmbeddedTemporal({ env, logFile })).rejects.toThrow('namespace= home=/home/somebody');
  });
});

describe('the choice between an embedded Temporal and a running one', () => {
  it('is for the running one when TEMPORAL_ADDRESS names it', () => {
    expect(externalTemporalAddress({ TEMPORAL_ADDRESS: 'temporal:7233' })).toBe('temporal:7233');
  });

  it('is for an embedded one when TEMPORAL_ADDRESS is missing or empty', () => {
    expect(externalTemporalAddress({})).toBeUndefined();
    expect(externalTemporalAddress({ TEMPORAL_ADDRESS: '' })).toBeUndefined();
  });
});

/** Local IPv4 and IPv6 addresses, in the kernel's hexadecimal, on which a process accepts connections. */
async function listeningAddresses(pid: number): Promise<string[]> {
  const links = await Promise.all(
    (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')),
  );
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8')));
  const LISTEN = '0A';
  return tables
    .flatMap((table) => table.split('\n').map((line) => line.trim().split(/\s+/)))
    .filter((columns) => columns[3] === LISTEN && inodes.has(columns[9] ?? ''))
    .map((columns) => (columns[1] ?? '').split(':')[0] ?? '');
}
