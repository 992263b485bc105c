import { appendFile, mkdtemp, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import dns from 'node:dns';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isPrivateAddress } from '../../bulk/private-addresses.js';
import { openSource, type Source } from '../../bulk/source.js';
import { ConnectProxy } from '../support/connect-proxy.js';

const CONTENT = Buffer.from(Array.from({ length: 50_000 }, (_, n) => `line ${n}\n`).join(''));

/** So that a server on this machine can be asked. */
const HERE = { rules: { allowPrivateAddresses: true } };

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'c2p-source-'));
  path = join(folder, 'portfolio.csv');
});
afterEach(() => rm(folder, { recursive: true }));

async function bytesOf(source: Source, from: number, to?: number): Promise<string> {
  const blocks: Buffer[] = [];
  for await (const block of source.read(from, to)) blocks.push(block);
  return Buffer.concat(blocks).toString();
}

async function gives(source: Source): Promise<void> {
  const text = CONTENT.toString();
  expect(await bytesOf(source, 0)).toBe(text);
  expect(await bytesOf(source, 7, 300_000)).toBe(text.slice(7, 300_000));
  expect(await bytesOf(source, text.length - 3)).toBe(text.slice(-3));
  expect(await bytesOf(source, 7, 7)).toBe('');
}

describe('a file', () => {
  it('is read from anywhere to anywhere', async () => {
    await writeFile(path, CONTENT);
    const source = await openSource({ path });
    expect(source).toMatchObject({ name: path, gzip: false, identity: { size: CONTENT.length } });
    await gives(source);
  });

  it('is decompressed where it is gzip, also of several members, whatever its name', async () => {
    await writeFile(
      path,
      Buffer.concat([gzipSync(CONTENT.subarray(0, 999)), gzipSync(CONTENT.subarray(999))]),
    );
    const source = await openSource({ path });
    expect(source.gzip).toBe(true);
    await gives(source);
  });

  it('of gzip that is cut off or damaged is an error, after what could be read of it', async () => {
    const whole = gzipSync(CONTENT);
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, whole.length >> 1, (whole.length >> 1) + 20);
    for (const bytes of [whole.subarray(0, -9), damaged]) {
      await writeFile(path, bytes);
      const source = await openSource({ path });
      await expect(bytesOf(source, 0)).rejects.toMatchObject({ code: 'GZIP_DAMAGED' });
      expect(await bytesOf(source, 0, 20)).toBe(CONTENT.toString().slice(0, 20));
    }
  });

  it.each([
    [
      'by more than the ratio, whose end is not waited for',
      { maxRatio: 50, maxBytes: 1e12 },
      /more than 50 times .* raise bulk\.gzip\.maxRatio/,
    ],
    [
      'to more than the size',
      { maxRatio: 2_000, maxBytes: 20_000_000 },
      /more than 20000000 bytes.* raise bulk\.gzip\.maxBytes/,
    ],
  ])('of gzip that grows %s is refused, with what to do', async (_, gzip, says) => {
    await writeFile(path, gzipSync(Buffer.alloc(40_000_000)));
    const source = await openSource({ path }, { rules: { gzip } });
    let read = 0;
    const reading = async () => {
      for await (const block of source.read(0)) read += block.length;
    };
    await expect(reading()).rejects.toMatchObject({
      code: 'GZIP_TOO_LARGE',
      message: expect.stringMatching(says) as string,
    });
    expect(read).toBeLessThanOrEqual(20_000_000);
  });

  it('of gzip may be as repetitive as a small file is', async () => {
    await writeFile(path, gzipSync(Buffer.alloc(1_000_000)));
    expect((await bytesOf(await openSource({ path }), 0)).length).toBe(1_000_000);
  });

  it('is still the same one when it is opened again, as long as nobody touches it', async () => {
    await writeFile(path, CONTENT);
    const { identity } = await openSource({ path });
    expect(
      (await openSource({ path }, { expected: JSON.parse(JSON.stringify(identity)) as typeof identity }))
        .identity,
    ).toEqual(identity);
    await utimes(path, new Date(), new Date(2026, 0));
    await expect(openSource({ path }, { expected: identity })).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
    });
  });

  it('that changes after it was opened, or while it is read, is noticed', async () => {
    await writeFile(path, CONTENT);
    const source = await openSource({ path });
    const reading = source.read(0);
    await reading.next();
    await appendFile(path, 'more');
    const rest = async () => {
      for await (const block of reading) void block;
    };
    await expect(rest()).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    await expect(bytesOf(source, 0)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });

    const longer = await openSource({ path });
    const begun = longer.read(0);
    await begun.next();
    await truncate(path, 10);
    const next = async () => {
      for await (const block of begun) void block;
    };
    await expect(next()).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  it('that is not there, or is a folder, is an error', async () => {
    await expect(openSource({ path })).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
    await expect(openSource({ path: folder })).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
  });
});

describe('a URL', () => {
  let server: Server;
  let url: string;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let version: string;
  beforeEach(async () => {
    version = '"v1"';
    answer = ranges(CONTENT);
    server = createServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/portfolio.csv?signature=SECRET`;
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  /** A server of ranges, as RFC 9110 has it. */
  function ranges(
    content: Buffer,
    headers: Record<string, string> = {},
    code = (bytes: Buffer): Buffer => bytes,
  ): typeof answer {
    return (request, response) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')!.map(Number);
      if (from! >= content.length) {
        response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
        return;
      }
      const end = Math.min(to! + 1, content.length);
      const range = `bytes ${from}-${end - 1}/${content.length}`;
      response.writeHead(206, { 'content-range': range, etag: version, ...headers });
      response.end(code(content.subarray(from, end)));
    };
  }

  async function problemOf(work: Promise<unknown>): Promise<{ code: string }> {
    const error: unknown = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Error);
    expect(JSON.stringify([(error as Error).message, error])).not.toContain('SECRET');
    return error as { code: string };
  }

  it('is read from anywhere to anywhere', async () => {
    const source = await openSource({ url }, HERE);
    expect(source.identity).toEqual({ size: CONTENT.length, version: '"v1"' });
    expect(source.name).not.toContain('SECRET');
    await gives(source);
  });

  it('is decompressed where it is gzip', async () => {
    answer = ranges(gzipSync(CONTENT));
    await gives(await openSource({ url }, HERE));
  });

  it.each(['', 'identity', 'Identity', 'aws-chunked', 'aws-chunked,identity'])(
    'is read whose server says %j of how its ranges are coded',
    async (coding) => {
      answer = ranges(CONTENT, { 'content-encoding': coding });
      await gives(await openSource({ url }, HERE));
      answer = ranges(gzipSync(CONTENT), { 'content-encoding': coding });
      await gives(await openSource({ url }, HERE));
    },
  );

  it.each(['gzip', 'GZIP', 'x-gzip', 'aws-chunked,gzip'])(
    'is decompressed that is stored as gzip, and of which its server says %j',
    async (coding) => {
      answer = ranges(gzipSync(CONTENT), { 'content-encoding': coding });
      const source = await openSource({ url }, HERE);
      expect(source.gzip).toBe(true);
      await gives(source);
    },
  );

  it('is an error whose server compresses ranges on the way, from the first on or later', async () => {
    const compressing = ranges(CONTENT, { 'content-encoding': 'gzip' }, gzipSync);
    answer = compressing;
    expect(await problemOf(openSource({ url }, HERE))).toMatchObject({ code: 'SOURCE_WITHOUT_RANGES' });
    answer = ranges(CONTENT);
    const source = await openSource({ url }, HERE);
    answer = compressing;
    expect(await problemOf(bytesOf(source, 0))).toMatchObject({ code: 'SOURCE_WITHOUT_RANGES' });
  });

  it('of nothing is empty', async () => {
    answer = ranges(Buffer.alloc(0));
    const source = await openSource({ url }, HERE);
    expect(source.identity.size).toBe(0);
    expect(await bytesOf(source, 0)).toBe('');
  });

  it('that has another version or size later is noticed', async () => {
    const source = await openSource({ url }, HERE);
    version = '"v2"';
    expect(await problemOf(bytesOf(source, 0))).toMatchObject({ code: 'SOURCE_CHANGED' });
    expect(await problemOf(openSource({ url }, { ...HERE, expected: source.identity }))).toMatchObject({
      code: 'SOURCE_CHANGED',
    });
    version = '"v1"';
    answer = ranges(CONTENT.subarray(0, 100));
    expect(await problemOf(bytesOf(source, 0))).toMatchObject({ code: 'SOURCE_CHANGED' });
    expect(await problemOf(bytesOf(source, 200, 300))).toMatchObject({ code: 'SOURCE_CHANGED' });
  });

  it('whose answer breaks off is not taken for its end', async () => {
    const source = await openSource({ url }, HERE);
    answer = (_, response) => {
      response.writeHead(206, {
        'content-range': `bytes 0-${CONTENT.length - 1}/${CONTENT.length}`,
        'content-length': CONTENT.length,
        etag: version,
      });
      response.write(CONTENT.subarray(0, 1_000), () => response.destroy());
    };
    expect(await problemOf(bytesOf(source, 0))).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    answer = (_, response) => {
      response.writeHead(206, {
        'content-range': `bytes 0-${CONTENT.length - 1}/${CONTENT.length}`,
        etag: version,
      });
      response.end(CONTENT.subarray(0, 1_000));
    };
    expect(await problemOf(bytesOf(source, 0))).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });

  it.each([
    ['gives the whole only', 200, {}, 'SOURCE_WITHOUT_RANGES'],
    ['gives a range without saying which', 206, { etag: 'x' }, 'SOURCE_WITHOUT_RANGES'],
    ['compresses on the way', 206, { etag: 'x', 'content-encoding': 'br' }, 'SOURCE_WITHOUT_RANGES'],
    ['says no version', 206, { 'content-range': 'bytes 0-1/9' }, 'SOURCE_WITHOUT_VERSION'],
    ['sends elsewhere', 302, { location: 'http://127.0.0.1/x' }, 'SOURCE_REDIRECTED'],
    ['does not know it', 404, {}, 'SOURCE_UNREADABLE'],
    ['does not let one', 403, {}, 'SOURCE_UNREADABLE'],
    ['is overloaded', 503, {}, 'SOURCE_UNAVAILABLE'],
  ])('whose server %s is an error', async (_, status, headers, code) => {
    answer = (_request, response) => void response.writeHead(status, headers).end('ab');
    expect(await problemOf(openSource({ url }, HERE))).toMatchObject({ code });
  });

  it('whose server does not answer may answer later', async () => {
    answer = (request) => request.socket.destroy();
    expect(await problemOf(openSource({ url }, HERE))).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });

  it.each([
    'http://127.0.0.1/p.csv',
    'https://127.0.0.1/p.csv',
    'https://0x7f.1/p.csv',
    'https://2130706433/p.csv',
    'https://localhost/p.csv',
    'https://LOCALHOST./p.csv',
    'https://files.localhost/p.csv',
    'https://files/p.csv',
    'https://nas.local/p.csv',
    'https://metadata.google.internal/p.csv',
    'https://0.0.0.0/p.csv',
    'https://10.1.2.3/p.csv',
    'https://100.100.100.200/p.csv',
    'https://168.63.129.16/p.csv',
    'https://169.254.169.254/p.csv',
    'https://172.31.0.1/p.csv',
    'https://192.168.0.1/p.csv',
    'https://224.0.0.1/p.csv',
    'https://255.255.255.255/p.csv',
    'https://[::]/p.csv',
    'https://[::1]/p.csv',
    'https://[::ffff:10.0.0.1]/p.csv',
    'https://[::ffff:7f00:1]/p.csv',
    'https://[::10.0.0.1]/p.csv',
    'https://[64:ff9b::a9fe:a9fe]/p.csv',
    'https://[2002:a00:1::]/p.csv',
    'https://[fd00:ec2::254]/p.csv',
    'https://[fe80::1]/p.csv',
    'https://[ff02::1]/p.csv',
  ])('%s leads to this machine or its networks, and is refused before anything is sent', async (refused) => {
    const lookups = vi.spyOn(dns, 'lookup');
    expect(await problemOf(openSource({ url: refused }))).toMatchObject({ code: 'SOURCE_URL_REFUSED' });
    expect(lookups).not.toHaveBeenCalled();
  });

  it.each(['198.17.255.255', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450:4001::200e'])(
    '%s is an address like any other',
    (address) => expect(isPrivateAddress(address)).toBe(false),
  );

  /** Names lead to these addresses, as far as this process sees. */
  function namesLeadTo(...addresses: string[]): void {
    const all = addresses.map((address) => ({ address, family: isIP(address) }));
    vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, options: { all: boolean }, done: Done) =>
      options.all ? done(null, all) : done(null, all[0]!.address, all[0]!.family)) as typeof dns.lookup);
  }
  type Done = (error: null, ...found: unknown[]) => void;

  it.each([[['127.0.0.1']], [['::ffff:127.0.0.1']], [['203.0.114.1', '127.0.0.1']]])(
    'whose name leads to %j is refused, and nothing connects',
    async (addresses) => {
      namesLeadTo(...addresses);
      const connections = vi.fn();
      server.on('connection', connections);
      const { port } = server.address() as AddressInfo;
      const refused = problemOf(openSource({ url: `https://files.bank.example:${port}/p.csv?SECRET` }));
      expect(await refused).toMatchObject({
        code: 'SOURCE_URL_REFUSED',
        message: expect.stringContaining('bulk.allowPrivateAddresses') as string,
      });
      expect(connections).not.toHaveBeenCalled();
    },
  );

  it('is asked for at the proxy, where one is to be used; only its name is looked at then', async () => {
    const asked: string[] = [];
    server.on('connect', ({ url: address }, socket) => {
      asked.push(address!);
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    vi.stubEnv('HTTPS_PROXY', new URL(url).origin);
    const away = problemOf(openSource({ url: 'https://files.bank.example/p.csv' }));
    expect(await away).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    const refused = problemOf(openSource({ url: 'https://169.254.169.254/p.csv' }));
    expect(await refused).toMatchObject({ code: 'SOURCE_URL_REFUSED' });
    expect(asked).toEqual(['files.bank.example:443']);
  });

  it('whose host NO_PROXY lists is not asked for at the proxy, and its addresses are looked at', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9');
    vi.stubEnv('NO_PROXY', '.bank.example');
    namesLeadTo('127.0.0.1');
    const refused = problemOf(openSource({ url: 'https://files.bank.example/p.csv?SECRET' }));
    expect(await refused).toMatchObject({ code: 'SOURCE_URL_REFUSED' });
  });

  it('is read by a proxy that speaks to a private address itself', async () => {
    const proxy = await ConnectProxy.start();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    const away = problemOf(openSource({ url: 'https://files.bank.example:9/p.csv' }));
    expect(await away).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    expect(proxy.asked).toEqual(['files.bank.example:9']);
    await proxy.close();
  });

  it.each([
    'http://bank.example/p.csv',
    'https://user:SECRET@bank.example/p.csv',
    'ftp://bank.example/p',
    'SECRET',
  ])('%s is refused before anything is sent', async (refused) => {
    expect(await problemOf(openSource({ url: refused }, HERE))).toMatchObject({ code: 'SOURCE_URL_REFUSED' });
  });
});
