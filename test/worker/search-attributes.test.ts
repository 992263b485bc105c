import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedTemporal } from '../../dev/embedded-temporal.js';
import { startEmbeddedTemporal } from '../../dev/embedded-temporal.js';
import type { OperatorConnection } from '../../worker/search-attributes.js';
import {
  ensureSearchAttributes,
  SearchAttributePermissionError,
  SearchAttributeTypeError,
} from '../../worker/search-attributes.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.js';

describe('ensuring search attributes on a real server', () => {
  let folder: string;
  let server: EmbeddedTemporal;
  let connection: Connection;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'c2p-search-attributes-'));
    server = await startEmbeddedTemporal({ logFile: join(folder, 'temporal.log') });
    connection = await Connection.connect({ address: server.address });
  }, 600_000);
  afterAll(async () => {
    await connection?.close();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("adds c2p's, once, over the worker's connection as over the client's", async () => {
    const worker = await NativeConnection.connect({ address: server.address });
    try {
      const names = Object.keys(SEARCH_ATTRIBUTES);
      expect(await ensureSearchAttributes(worker, 'default', SEARCH_ATTRIBUTES)).toEqual(names);
      expect(await ensureSearchAttributes(connection, 'default', SEARCH_ATTRIBUTES)).toEqual([]);
    } finally {
      await worker.close();
    }
  });

  it('adds only what is missing', async () => {
    await ensureSearchAttributes(connection, 'default', { Here: 'KEYWORD' });
    const wanted = { Here: 'KEYWORD', There: 'BOOL' } as const;
    expect(await ensureSearchAttributes(connection, 'default', wanted)).toEqual(['There']);
  });

  it('works when many workers start at once', async () => {
    const wanted = { Crowd1: 'KEYWORD', Crowd2: 'DOUBLE', Crowd3: 'BOOL' } as const;
    await Promise.all(Array.from({ length: 8 }, () => ensureSearchAttributes(connection, 'default', wanted)));
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    expect(customAttributes).toMatchObject({ Crowd1: 2, Crowd2: 4, Crowd3: 5 });
  });

  it('refuses an attribute that exists with another type', async () => {
    await ensureSearchAttributes(connection, 'default', { Amount: 'INT' });
    const refused = ensureSearchAttributes(connection, 'default', { Amount: 'KEYWORD' });
    await expect(refused).rejects.toBeInstanceOf(SearchAttributeTypeError);
    await expect(refused).rejects.toThrow(
      "'Amount' of namespace 'default' must be of type Keyword, but it exists as Int",
    );
  });

  it('passes on that the namespace does not exist', async () => {
    await expect(ensureSearchAttributes(connection, 'nowhere', { A: 'INT' })).rejects.toThrow('nowhere');
  });
});

describe('ensuring search attributes where the server answers with', () => {
  it('PERMISSION_DENIED names what an administrator has to run, for Temporal Cloud and self-hosted', async () => {
    const connection = answering({ list: [{ Here: 2 }], add: [grpcError(7)] });
    const refused = ensureSearchAttributes(connection, 'cards.a1b2c', { Here: 'KEYWORD', There: 'INT' });
    await expect(refused).rejects.toBeInstanceOf(SearchAttributePermissionError);
    await expect(refused).rejects.toThrow('--namespace cards.a1b2c --search-attribute "There=Int"');
    await expect(refused).rejects.toThrow('--namespace cards.a1b2c --name There --type Int');
    await expect(refused).rejects.not.toThrow('Here');
  });

  it('PERMISSION_DENIED to the listing names all of them', async () => {
    const refused = ensureSearchAttributes(answering({ list: [grpcError(7)], add: [] }), 'cards', {
      A: 'INT',
    });
    await expect(refused).rejects.toThrow('"A=Int"');
  });

  it('ALREADY_EXISTS, because another worker was quicker, looks again', async () => {
    const connection = answering({ list: [{}, { A: 3 }], add: [grpcError(6)] });
    expect(await ensureSearchAttributes(connection, 'cards', { A: 'INT' })).toEqual([]);
  });

  it('ALREADY_EXISTS every time gives up', async () => {
    const connection = answering({ list: [{}, {}, {}], add: [grpcError(6), grpcError(6), grpcError(6)] });
    await expect(ensureSearchAttributes(connection, 'cards', { A: 'INT' })).rejects.toMatchObject({
      code: 6,
    });
  });
});

function grpcError(code: number): Error {
  return Object.assign(new Error(`${code}`), { code, details: 'because', metadata: {} });
}

/** A server that gives these answers, one a call. */
function answering(answers: { list: (Error | Record<string, number>)[]; add: Error[] }): OperatorConnection {
  const next = <T>(queue: (Error | T)[]): Promise<T> => {
    const answer = queue.shift() ?? new Error('one call too many');
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const operatorService = {
    listSearchAttributes: async () => ({ customAttributes: await next(answers.list) }),
    addSearchAttributes: () => next<object>(answers.add),
  };
  return { operatorService } as unknown as OperatorConnection;
}
