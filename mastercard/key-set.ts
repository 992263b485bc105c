import { request } from 'undici';
import { isLoopback } from '../protection/loopback.js';
import { dispatcherTo, type OutboundTls } from '../protection/outbound.js';
import { readAnswer } from '../protection/read-answer.js';
import { KeySet, parseJwkText } from './jwk.js';
import { KeyError } from './key-material.js';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;

/**
 * Fetches a JWK set (RFC 7517, section 5).
 * @param url https, or http to a loopback address: who can change the answer reads every card number.
 * @param tls what the connection needs besides what this system trusts.
 * @returns its members, unchecked.
 * @throws KeyError KEY_SET_UNAVAILABLE; ProxyUrlError.
 */
export async function fetchKeySet(url: string, tls?: OutboundTls): Promise<unknown[]> {
  if (!isTrustworthy(url)) {
    throw new KeyError('KEY_SET_UNAVAILABLE', `${url}: encryptionKey.jwksUrl must be an https address`);
  }
  const { statusCode, text } = await get(url, tls);
  if (statusCode !== 200) throw unavailable(url, `the answer is ${statusCode}`);
  try {
    return KeySet.parse(parseJwkText(text ?? '')).keys;
  } catch {
    throw unavailable(url, 'the answer is no JWK set');
  }
}

async function get(
  url: string,
  tls: OutboundTls | undefined,
): Promise<{ statusCode: number; text: string | undefined }> {
  const dispatcher = dispatcherTo(url, { tls });
  try {
    const answer = await request(url, {
      dispatcher,
      headers: { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { statusCode: answer.statusCode, text: await readAnswer(answer, MAX_BYTES) };
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    throw unavailable(url, typeof code === 'string' ? code : name);
  } finally {
    await dispatcher.destroy();
  }
}

function unavailable(url: string, why: string): KeyError {
  return new KeyError(
    'KEY_SET_UNAVAILABLE',
    `${url}: the keys cannot be fetched (${why}); check the address`,
  );
}

function isTrustworthy(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
