import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../simulator/api-error.js';
import { WIRE } from '../../simulator/wire.js';
import { fingerprintOf, openJwe } from '../../simulator/jwe-opener.js';
import { encryptByHand } from './support.js';
import type { HandMadeJwe } from './support.js';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
const kid = fingerprintOf(privateKey);
const kids = new Set([kid]);

const seal = (options: HandMadeJwe, text = 'plaintext') => encryptByHand(publicKey, text, options);
const open = (token: string) => openJwe(token, privateKey, kids).toString();

/** The detail reason that a token is refused with. */
function refusal(token: string): string | undefined {
  try {
    open(token);
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    expect(error.status).toBe(400);
    return (error.bodyOn(WIRE) as { errordetail: { reason: string }[] }).errordetail[0]?.reason;
  }
}

describe('the JWE opener', () => {
  it.each([
    ['A128GCM', 12],
    ['A128GCM', 16],
    ['A256GCM', 12],
    ['A256GCM', 16],
  ] as const)('opens %s with an IV of %i bytes', (enc, ivBytes) => {
    expect(open(seal({ enc, ivBytes, header: { kid, cty: 'application/json' } }, 'Díaz'))).toBe('Díaz');
  });

  it('opens a token without kid, and refuses one with the kid of another key', () => {
    expect(open(seal({ enc: 'A128GCM' }))).toBe('plaintext');
    expect(refusal(seal({ enc: 'A128GCM', header: { kid: 'another' } }))).toBe('INVALID_VALUE');
  });

  it('opens a token with `/` where base64url has `_`', () => {
    const withSlash = Array.from({ length: 200 }, () => seal({ enc: 'A256GCM', ivBytes: 16 }))
      .map((token) => {
        const [header, ...rest] = token.split('.');
        return [header, ...rest.map((part) => part.replaceAll('_', '/'))].join('.');
      })
      .find((token) => token.includes('/'));
    expect(open(withSlash ?? '')).toBe('plaintext');
  });

  it('refuses what was encrypted for another key', () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const token = encryptByHand(other.export({ type: 'spki', format: 'pem' }).toString(), 'x', {
      enc: 'A128GCM',
    });
    expect(refusal(token)).toBe('CORRUPT_DATA');
  });

  it('refuses a content key of the other length', () => {
    const [, ...rest] = seal({ enc: 'A256GCM' }).split('.');
    const [header] = seal({ enc: 'A128GCM' }).split('.');
    expect(refusal([header, ...rest].join('.'))).toBe('CORRUPT_DATA');
  });

  it.each([
    ['alg', { alg: 'RSA-OAEP' }],
    ['enc', { enc: 'A192GCM' }],
    ['zip', { zip: 'DEF' }],
    ['crit', { crit: ['x'], x: 1 }],
  ])('refuses a header with another %s', (_name, header) => {
    expect(refusal(seal({ enc: 'A128GCM', header }))).toBe('INVALID_FORMAT');
  });

  it('refuses an IV or a tag of another length', () => {
    expect(refusal(seal({ enc: 'A128GCM', ivBytes: 13 }))).toBe('INVALID_FORMAT');
    const parts = seal({ enc: 'A128GCM' }).split('.');
    parts[4] = Buffer.from(parts[4] ?? '', 'base64url')
      .subarray(0, 12)
      .toString('base64url');
    expect(refusal(parts.join('.'))).toBe('INVALID_FORMAT');
  });

  it('refuses every token of which one byte was changed, and any other text', () => {
    const parts = seal({ enc: 'A128GCM', header: { kid } }).split('.');
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (p, at, flip) => {
          const bytes = Buffer.from(parts[p] ?? '', 'base64url');
          const index = at % bytes.length;
          bytes.writeUInt8(bytes.readUInt8(index) ^ flip, index);
          const altered = parts.map((part, i) => (i === p ? bytes.toString('base64url') : part));
          expect(refusal(altered.join('.'))).toMatch(/^(INVALID_FORMAT|INVALID_VALUE|CORRUPT_DATA)$/);
        },
      ),
      { numRuns: 60 },
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(refusal(text)).toMatch(/^(INVALID_FORMAT|CORRUPT_DATA)$/);
      }),
    );
  });
});
