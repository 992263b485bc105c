import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { contentCodings, readAnswer } from '../../protection/read-answer.js';

const TEXT = '{"batchId":"größer"}';
const LIMIT = 10_000;
const asItIs = (text: string) => Buffer.from(text);

async function* flow(...chunks: (Uint8Array | Error)[]) {
  for (const chunk of chunks) {
    if (chunk instanceof Error) throw chunk;
    yield await Promise.resolve(chunk);
  }
}

function read(coding: string | string[] | undefined, ...chunks: (Uint8Array | Error)[]) {
  return readAnswer({ headers: { 'content-encoding': coding }, body: flow(...chunks) }, LIMIT);
}

describe('an answer', () => {
  test.each<[string | string[] | undefined, (text: string) => Buffer]>([
    [undefined, asItIs],
    ['', asItIs],
    ['identity', asItIs],
    ['IDENTITY', asItIs],
    [['identity', ''], asItIs],
    ['gzip', gzipSync],
    ['GZip', gzipSync],
    ['x-gzip', gzipSync],
    ['identity, gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
  ])('coded as %j is read, with and without a byte order mark, in whatever pieces', async (coding, code) => {
    for (const mark of ['', '\uFEFF']) {
      const bytes = code(mark + TEXT);
      expect(await read(coding, bytes)).toBe(TEXT);
      expect(await read(coding, ...[...bytes].map((byte) => Uint8Array.of(byte)))).toBe(TEXT);
    }
  });

  test.each(['gzip', 'deflate', 'br', 'zstd'])('of nothing is empty, also coded as %s', async (coding) => {
    expect(await read(coding)).toBe('');
  });

  test.each([
    ['zstd', 'whatever'],
    ['compress', 'whatever'],
    ['toString', 'whatever'],
    ['__proto__', 'whatever'],
    ['gzip', 'not gzip'],
    ['br', 'not brotli'],
    ['deflate', 'not deflated'],
  ])('coded as %s in a way that is not known, or not so at all, is unreadable', async (coding, text) => {
    expect(await read(coding, Buffer.from(text))).toBeUndefined();
  });

  test('coded twice, cut off or broken off is unreadable', async () => {
    const zipped = gzipSync(TEXT);
    expect(await read('gzip, gzip', gzipSync(zipped))).toBeUndefined();
    expect(await read('gzip', zipped.subarray(0, -9))).toBeUndefined();
    expect(await read('gzip', zipped, new Error('reset'))).toBeUndefined();
    expect(await read(undefined, Buffer.from(TEXT), new Error('reset'))).toBeUndefined();
  });

  test.each([
    ['', asItIs],
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)(
    'coded as %j may have as many bytes as are allowed, decompressed, and none more',
    async (coding, code) => {
      expect(await read(coding, code('x'.repeat(LIMIT)))).toHaveLength(LIMIT);
      expect(await read(coding, code('x'.repeat(LIMIT + 1)))).toBeUndefined();
    },
  );

  test('of ten megabytes in some hundred bytes, or of many bytes that are nothing, is refused', async () => {
    const bomb = brotliCompressSync(Buffer.alloc(10_000_000));
    expect(bomb.length).toBeLessThan(LIMIT);
    expect(await read('br', bomb)).toBeUndefined();
    expect(await read('gzip', ...Array.from({ length: LIMIT }, () => gzipSync('')))).toBeUndefined();
  });
});

test('codings are those that change something, in their order', () => {
  expect(contentCodings('aws-chunked,GZIP')).toEqual(['aws-chunked', 'gzip']);
  expect(contentCodings([' Identity', 'br , '])).toEqual(['br']);
});
