import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { noPublicKey, notPublic } from './encryption-key-errors.js';
import { KeyError } from './key-material.js';

/** A JWK (RFC 7517); what it says beside `kty`, `use` and `kid` is unchecked. */
export const Jwk = z.looseObject({
  kty: z.string(),
  use: z.string().optional(),
  kid: z.string().optional(),
});
export type Jwk = z.infer<typeof Jwk>;

/** A JWK set (RFC 7517, section 5). */
export const KeySet = z.object({ keys: z.array(z.unknown()) });

/** Reads JSON, also behind a byte order mark, which editors and servers on Windows like to write. @throws SyntaxError */
export function parseJwkText(text: string): unknown {
  return JSON.parse(text.replace(/^\uFEFF/, ''));
}

/**
 * Chooses of a set the RSA key for encryption: the one with the configured `kid`, else the first with `use: enc`. A
 * member without `use`, which is optional, counts where its `key_ops` and `alg` do not speak against it; without a
 * configured `kid` only where it is the only such one, and none has `use: enc`.
 * @param origin the file or URL.
 * @throws KeyError KEY_ID_UNKNOWN
 */
export function chooseJwk(members: readonly unknown[], kid: string | undefined, origin: string): Jwk {
  const usable = members
    .flatMap((member) => Jwk.safeParse(member).data ?? [])
    .filter((jwk) => jwk.kty === 'RSA' && isForEncryption(jwk));
  const declared = usable.filter(({ use }) => use !== undefined);
  const open = usable.filter(({ use }) => use === undefined);
  const isAmbiguous = kid === undefined && declared.length === 0 && open.length > 1;
  const candidates = [...declared, ...open];
  const chosen = kid === undefined ? candidates[0] : candidates.find((jwk) => jwk.kid === kid);
  if (chosen && !isAmbiguous) return chosen;
  const problem = isAmbiguous
    ? 'the set has several RSA keys, none of which says that it is for encryption (use: enc)'
    : `the set has no RSA key${kid === undefined ? '' : ` with kid '${kid}'`} for encryption (use: enc)`;
  const ids = usable.map((jwk) => `'${jwk.kid ?? '(no kid)'}'`).join(', ') || 'none';
  const action = isAmbiguous ? "set encryptionKey.kid to the one of Mastercard's" : 'check encryptionKey.kid';
  throw new KeyError('KEY_ID_UNKNOWN', `${origin}: ${problem}; it has: ${ids}; ${action}`);
}

/** @throws KeyError where it is a private key, one for another purpose, or none. */
export function readJwk(jwk: Jwk, origin: string): KeyObject {
  if ('d' in jwk) throw notPublic(origin);
  if (!isForEncryption(jwk)) {
    throw new KeyError(
      'KEY_UNSUITABLE',
      `${origin}: this key is not for encryption (use: enc); encryptionKey must be Mastercard's encryption key`,
    );
  }
  try {
    return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch {
    throw noPublicKey(origin);
  }
}

/** What says nothing of its use (RFC 7517, section 4.2) may be for encryption, and what says `enc` is, whatever else it says. */
function isForEncryption({ use, key_ops: operations, alg }: Jwk): boolean {
  if (use !== undefined) return use === 'enc';
  const mayEncrypt =
    operations === undefined ||
    (Array.isArray(operations) && operations.some((one) => one === 'encrypt' || one === 'wrapKey'));
  return mayEncrypt && (alg === undefined || (typeof alg === 'string' && alg.startsWith('RSA-OAEP')));
}
