import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type LookupFunction } from 'node:net';
import { Agent, buildConnector, errors, type Dispatcher } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { exchange, type Exchange } from '../../mastercard/http-exchange.js';
import { certificate, pem, rsaKeyPair } from './key-files.js';

const MAX_BYTES = 10_000;

let server: Server;
let origin: string;
let requests: string[];
let respond: (response: ServerResponse, request: IncomingMessage) => void;
let agent: Dispatcher;

beforeAll(async () => {
  server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push(Buffer.concat(chunks).toString());
      respond(response, request);
    });
  });
  origin = await listen(server);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests = [];
  agent = new Agent();
});
afterEach(() => agent.destroy());

async function listen(it: Pick<Server, 'listen' | 'address' | 'once'>, protocol = 'http'): Promise<string> {
  it.listen(0, '127.0.0.1');
  await once(it as Server, 'listening');
  return `${protocol}://127.0.0.1:${(it.address() as AddressInfo).port}`;
}

function post(url: string, signal = new AbortController().signal): Promise<Exchange> {
  return exchange(agent, { method: 'POST', url, headers: {}, body: 'batch' }, signal, MAX_BYTES);
}

describe('exchange, when nothing can have been sent', () => {
  it('says so of a refused connection', async () => {
    const closed = createTcpServer();
    const url = await listen(closed as unknown as Server);
    closed.close();
    await once(closed, 'close');
    expect(await post(url)).toEqual({ answered: false, written: false, problem: 'ECONNREFUSED' });
  });

  it.each(['ENOTFOUND', 'EAI_AGAIN'])('says so of a name that does not resolve: %s', async (code) => {
    const lookup: LookupFunction = (_name, _options, done) =>
      done(Object.assign(new Error(code), { code }), '');
    agent = new Agent({ connect: { lookup } });
    expect(await post('http://mastercard.test')).toEqual({ answered: false, written: false, problem: code });
  });

  it('says so of a certificate that is not trusted', async () => {
    const pair = rsaKeyPair();
    const tls = createHttpsServer({ key: pem(pair.privateKey, 'pkcs8'), cert: certificate(pair) });
    const url = await listen(tls, 'https');
    expect(await post(url)).toEqual({
      answered: false,
      written: false,
      problem: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    tls.close();
  });

  it('says so of a peer that speaks no TLS, or hangs up during the handshake', async () => {
    expect(await post(origin.replace('http:', 'https:'))).toMatchObject({ answered: false, written: false });
    const rude = createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const url = await listen(rude as unknown as Server, 'https');
    expect(await post(url)).toEqual({ answered: false, written: false, problem: 'ECONNRESET' });
    rude.close();
    expect(requests).toEqual([]);
  });

  it('says so of a connection that is not made in time', async () => {
    agent = new Agent({ connect: (_options, done) => done(new errors.ConnectTimeoutError(), null) });
    expect(await post(origin)).toEqual({
      answered: false,
      written: false,
      problem: 'UND_ERR_CONNECT_TIMEOUT',
    });
  });

  it('says so of a call that was given up before it had a connection', async () => {
    const giveUp = new AbortController();
    const connect = buildConnector({});
    agent = new Agent({
      connect: (options, done) => {
        giveUp.abort();
        connect(options, done);
      },
    });
    expect(await post(origin, giveUp.signal)).toEqual({
      answered: false,
      written: false,
      problem: 'AbortError',
    });
    expect(requests).toEqual([]);
  });
});

describe('exchange, when the request may have arrived', () => {
  it('says so of a peer that reads the request and hangs up', async () => {
    respond = (response) => response.destroy();
    expect(await post(origin)).toEqual({ answered: false, written: true, problem: 'UND_ERR_SOCKET' });
    expect(requests).toEqual(['batch']);
  });

  it('says so of a peer that reads the request and resets the connection', async () => {
    respond = (_response, request) => request.socket.resetAndDestroy();
    expect(await post(origin)).toMatchObject({ answered: false, written: true });
  });

  it('says so of a kept connection that the peer closes while it is used again, and does not repeat the call', async () => {
    agent = new Agent({ connections: 1 });
    respond = (response) => response.end('ok');
    expect(await post(origin)).toMatchObject({ answered: true, body: 'ok' });
    respond = (response) => response.destroy();
    expect(await post(origin)).toEqual({ answered: false, written: true, problem: 'UND_ERR_SOCKET' });
    expect(requests).toHaveLength(2);
  });

  it('says so of a call that is given up while it waits for the answer', async () => {
    const giveUp = new AbortController();
    respond = () => giveUp.abort();
    expect(await post(origin, giveUp.signal)).toEqual({
      answered: false,
      written: true,
      problem: 'AbortError',
    });
  });

  it('says so of an answer that does not come in time', async () => {
    respond = () => undefined;
    expect(await post(origin, AbortSignal.timeout(300))).toEqual({
      answered: false,
      written: true,
      problem: 'TimeoutError',
    });
  });

  it('says so of a peer that does not speak HTTP', async () => {
    const odd = createTcpServer((socket) => socket.once('data', () => socket.end('SSH-2.0-x\r\n')));
    const url = await listen(odd as unknown as Server);
    expect(await post(url)).toMatchObject({ answered: false, written: true });
    odd.close();
  });
});

describe('exchange, when there is an answer', () => {
  it('gives its status, its body and its headers by name', async () => {
    respond = (response) => response.writeHead(429, { 'Retry-After': ['1', '2'], 'X-A': 'b' }).end('é');
    const answer = await post(origin);
    expect(answer).toMatchObject({ answered: true, httpStatus: 429, body: 'é' });
    if (!answer.answered) throw new Error('unreachable');
    expect([answer.header('x-a'), answer.header('retry-after'), answer.header('x-none')]).toEqual([
      'b',
      '1',
      undefined,
    ]);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    [
      'breaks off',
      (response) => response.writeHead(202, { 'content-length': '99' }).write('{', () => response.destroy()),
    ],
    ['is longer than allowed', (response) => response.writeHead(202).end('x'.repeat(MAX_BYTES + 1))],
    [
      'never ends',
      (response) => {
        const pour = () => {
          if (!response.destroyed) response.write('x'.repeat(1_000), pour);
        };
        response.writeHead(202);
        pour();
      },
    ],
  ])('knows the status, though not the body, of an answer that %s', async (_name, answer) => {
    respond = answer;
    expect(await post(origin)).toMatchObject({ answered: true, httpStatus: 202, body: undefined });
  });

  it('uses a connection again', async () => {
    agent = new Agent({ connections: 1 });
    const ports = new Set<number | undefined>();
    respond = (response, request) => {
      ports.add(request.socket.remotePort);
      response.end('ok');
    };
    for (let i = 0; i < 5; i += 1) await post(origin);
    expect(ports.size).toBe(1);
  });
});
