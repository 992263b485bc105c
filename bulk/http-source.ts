import { Agent, EnvHttpProxyAgent, request, type Dispatcher } from 'undici';
import type { SourceRules } from '../enrollment/source-rules.js';
import { isPrivateHost, PrivateAddressError, publicLookup } from './private-addresses.js';
import { SourceChangedError, SourceError } from './source-error.js';
import { requireSame, type SourceIdentity, type StoredBytes } from './stored-bytes.js';

const TIMEOUT_MS = 60_000;
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

type Answer = Dispatcher.ResponseData;

/**
 * A URL, read by HTTP ranges (RFC 9110, section 14). Every answer is compared with the first one.
 * Redirects are not followed.
 * @param name for messages.
 * @throws SourceError
 */
export async function openUrl(url: string, name: string, rules: SourceRules): Promise<StoredBytes> {
  requireUsable(url, name, rules);
  const ask = asking(url, name, rules.allowPrivateAddresses ? undefined : publicOnly());
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
  return { identity, head, read: (from, to) => readRange(ask, name, identity, from, to) };
}

async function* readRange(
  ask: Asking,
  name: string,
  identity: SourceIdentity,
  from: number,
  to: number,
): AsyncGenerator<Buffer> {
  if (from >= to) return;
  const answer = await ask(from, to);
  try {
    const range = rangeOf(answer);
    if (range?.from !== from) throw new SourceChangedError(name, `has no bytes from ${from} on`);
    requireSame(name, identity, identityOf(answer, range.size, name));
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

/** Looks at an address also when it is connected to, since a name may lead elsewhere each time. A proxy looks itself. */
function publicOnly(): Dispatcher {
  const isProxied = process.env.NODE_USE_ENV_PROXY === '1';
  const connect = { lookup: publicLookup };
  if (isProxied) return (proxied ??= new EnvHttpProxyAgent({ connect }));
  return (direct ??= new Agent({ connect }));
}

let direct: Dispatcher | undefined;
let proxied: Dispatcher | undefined;

function requireUsable(url: string, name: string, { allowPrivateAddresses }: SourceRules): void {
  const refuse = (problem: string) => new SourceError('SOURCE_URL_REFUSED', name, problem);
  if (!URL.canParse(url)) throw refuse('is no URL; give an https: URL or a path');
  const parsed = new URL(url);
  const { protocol, hostname, username, password } = parsed;
  if (username !== '' || password !== '')
    throw refuse('has a user name or password in it, which would be kept; use a URL without');
  const isHere = allowPrivateAddresses && protocol === 'http:' && LOOPBACK.has(hostname);
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
function asking(url: string, name: string, dispatcher: Dispatcher | undefined): Asking {
  const timeouts = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
  return async (from, to) => {
    const headers = { range: `bytes=${from}-${to - 1}`, 'accept-encoding': 'identity' };
    let answer: Answer;
    try {
      answer = await request(url, { headers, ...timeouts, ...(dispatcher && { dispatcher }) });
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

function problemOf({ statusCode: status, headers }: Answer, name: string): SourceError | undefined {
  if (status === 206 && (headers['content-encoding'] ?? 'identity') !== 'identity') {
    const problem = 'its server compresses what it was asked to give as it is; switch that off for this file';
    return new SourceError('SOURCE_WITHOUT_RANGES', name, problem);
  }
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
