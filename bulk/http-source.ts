import { request, type Dispatcher } from 'undici';
import type { SourceRules } from '../enrollment/source-rules.js';
import { isLoopback } from '../protection/loopback.js';
import { dispatcherTo } from '../protection/outbound.js';
import { proxyTo, targetOf } from '../protection/proxy.js';
import { contentCodings } from '../protection/read-answer.js';
import { isPrivateHost, PrivateAddressError, publicLookup } from './private-addresses.js';
import { SourceChangedError, SourceError } from './source-error.js';
import { GZIP_MAGIC, requireSame, type SourceIdentity, type StoredBytes } from './stored-bytes.js';

const TIMEOUT_MS = 60_000;

type Answer = Dispatcher.ResponseData;

/**
 * A URL, read by HTTP ranges (RFC 9110, section 14). Every answer is compared with the first one.
 * Redirects are not followed.
 * @param name for messages.
 * @throws SourceError; ProxyUrlError.
 */
export async function openUrl(url: string, name: string, rules: SourceRules): Promise<StoredBytes> {
  requireUsable(url, name, rules);
  const ask = asking(url, name, dispatcherFor(url, rules));
  // The least that can be asked for tells the size, the version, and whether it is compressed.
  const answer = await ask(0, 2);
  const range = rangeOf(answer);
  if (!range) {
    answer.body.destroy();
    const problem = 'its server answers with a Content-Range that is none; put the file on another';
    throw new SourceError('SOURCE_WITHOUT_RANGES', name, problem);
  }
  const identity = identityOf(answer, range.size, name);
  const blocks: Buffer[] = [];
  if (answer.statusCode === 206) for await (const block of bodyOf(answer, name)) blocks.push(block);
  else answer.body.destroy();
  const head = Buffer.concat(blocks);
  const coding = codingOf(answer);
  if (coding !== '' && !(GZIP.has(coding) && head.equals(GZIP_MAGIC))) throw compressed(name);
  return { identity, head, read: (from, to) => readRange(ask, name, { ...identity, coding }, from, to) };
}

async function* readRange(
  ask: Asking,
  name: string,
  { coding, ...identity }: SourceIdentity & { coding: string },
  from: number,
  to: number,
): AsyncGenerator<Buffer> {
  if (from >= to) return;
  const answer = await ask(from, to);
  try {
    const range = rangeOf(answer);
    if (range?.from !== from) throw new SourceChangedError(name, `has no bytes from ${from} on`);
    requireSame(name, identity, identityOf(answer, range.size, name));
    if (codingOf(answer) !== coding) throw compressed(name);
    let at = from;
    for await (const block of bodyOf(answer, name)) {
      at += block.length;
      yield block;
    }
    if (at !== to) throw unavailable(name, `the answer ended at byte ${at} of ${to}`);
  } finally {
    answer.body.destroy();
  }
}

/**
 * Looks at an address also when it is connected to, since a name may lead elsewhere each time: a proxy looks itself.
 * Sources are opened again and again, and share connections.
 */
function dispatcherFor(url: string, { allowPrivateAddresses }: SourceRules): Dispatcher {
  const route = `${proxyTo(targetOf(url))?.origin} ${allowPrivateAddresses}`;
  const dispatcher =
    dispatchers.get(route) ?? dispatcherTo(url, allowPrivateAddresses ? {} : { lookup: publicLookup });
  dispatchers.set(route, dispatcher);
  return dispatcher;
}
const dispatchers = new Map<string, Dispatcher>();

function requireUsable(url: string, name: string, { allowPrivateAddresses }: SourceRules): void {
  const refuse = (problem: string) => new SourceError('SOURCE_URL_REFUSED', name, problem);
  if (!URL.canParse(url)) throw refuse('is no URL; give an https: URL or a path');
  const parsed = new URL(url);
  const { protocol, hostname, username, password } = parsed;
  if (username !== '' || password !== '')
    throw refuse('has a user name or password in it, which would be kept; use a URL without');
  const isHere = allowPrivateAddresses && protocol === 'http:' && isLoopback(hostname);
  if (protocol !== 'https:' && !isHere) throw refuse('is not an https: URL; give one');
  if (!allowPrivateAddresses && isPrivateHost(parsed)) throw leadsInside(name);
}

function leadsInside(name: string): SourceError {
  const problem =
    'leads to a private address, as of this machine or its networks; give a public one, or set bulk.allowPrivateAddresses on every worker';
  return new SourceError('SOURCE_URL_REFUSED', name, problem);
}

/** Asks for a range of the bytes. */
type Asking = (from: number, to: number) => Promise<Answer>;

/** @returns an answer with a range (206), or that there are no such bytes (416). */
function asking(url: string, name: string, dispatcher: Dispatcher): Asking {
  const timeouts = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
  return async (from, to) => {
    const headers = { range: `bytes=${from}-${to - 1}`, 'accept-encoding': 'identity' };
    let answer: Answer;
    try {
      answer = await request(url, { headers, ...timeouts, dispatcher });
      // The reader gets the error anyway; a body that is destroyed unread must not end the process with one.
      answer.body.on('error', () => {});
    } catch (error) {
      throw error instanceof PrivateAddressError ? leadsInside(name) : unavailable(name, codeOf(error));
    }
    const problem = problemOf(answer, name);
    if (!problem) return answer;
    answer.body.destroy();
    throw problem;
  };
}

function problemOf({ statusCode: status }: Answer, name: string): SourceError | undefined {
  if (status === 206 || status === 416) return undefined;
  if (status >= 300 && status < 400)
    return new SourceError(
      'SOURCE_REDIRECTED',
      name,
      `redirects (HTTP ${status}); give the address it redirects to`,
    );
  if (status >= 200 && status < 300) {
    const problem = `its server does not give ranges (HTTP ${status}); put the file on one that does, or on a disk`;
    return new SourceError('SOURCE_WITHOUT_RANGES', name, problem);
  }
  if (status === 408 || status === 429 || status >= 500) return unavailable(name, `HTTP ${status}`);
  const problem = `cannot be read (HTTP ${status}); check the address and whether it is still valid`;
  return new SourceError('SOURCE_UNREADABLE', name, problem);
}

/**
 * How the bytes of a range are coded, for all that its server says; empty where they are the file's own. A range of what
 * is stored as gzip is a range of the gzip; `aws-chunked` is how it once came to the server.
 */
function codingOf({ statusCode, headers }: Answer): string {
  const codings = statusCode === 206 ? contentCodings(headers['content-encoding']) : [];
  return codings.filter((coding) => coding !== 'aws-chunked').join();
}

const GZIP: ReadonlySet<string> = new Set(['gzip', 'x-gzip']);

function compressed(name: string): SourceError {
  const problem = 'its server compresses what it was asked to give as it is; switch that off for this file';
  return new SourceError('SOURCE_WITHOUT_RANGES', name, problem);
}

/** Content-Range: first byte and size, or only the size where there are no such bytes. */
function rangeOf({ headers }: Answer): { from: number | undefined; size: number } | undefined {
  const [, from, size] = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(String(headers['content-range'])) ?? [];
  if (size === undefined) return undefined;
  return { from: from === undefined ? undefined : Number(from), size: Number(size) };
}

function identityOf({ headers }: Answer, size: number, name: string): SourceIdentity {
  // Of nothing, servers say no more than the size.
  const version = headers.etag ?? headers['last-modified'] ?? (size === 0 ? '' : undefined);
  if (version !== undefined) return { size, version: String(version) };
  const problem =
    'its server gives neither ETag nor Last-Modified, so a change would go unnoticed; put the file on another';
  throw new SourceError('SOURCE_WITHOUT_VERSION', name, problem);
}

async function* bodyOf({ body }: Answer, name: string): AsyncGenerator<Buffer> {
  try {
    yield* body as AsyncIterable<Buffer>;
  } catch (error) {
    throw unavailable(name, codeOf(error));
  }
}

function unavailable(name: string, reason: string): SourceError {
  return new SourceError(
    'SOURCE_UNAVAILABLE',
    name,
    `cannot be read at present (${reason}); check its server`,
  );
}

function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return [code, name].find((it): it is string => typeof it === 'string') ?? 'unknown error';
}
