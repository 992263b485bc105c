import { constants, createDecipheriv, privateDecrypt, type KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { CompactEncrypt } from 'jose';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { BatchSubmission } from '../../mastercard/gateway.js';
import { asCompactJwe, encryptEnrollmentData, type CompactJwe } from '../../mastercard/jwe.js';
import { testRecord, testRecords } from '../support/records.js';
import { rsaKeyPair } from './key-files.js';

const pair = rsaKeyPair();
const recipient = { kid: 'key-1', key: pair.publicKey };
const payload = { enrollments: [testRecord(1)] };

/** Opens a token with node:crypto alone; strict about base64url, which Buffer is not. */
function open(token: string, privateKey: KeyObject): string {
  const parts = token.split('.');
  const [header, key, iv, ciphertext, tag] = parts.map((part) => Buffer.from(part, 'base64url'));
  if (!header || !key || !iv || !ciphertext || !tag || parts.length !== 5) throw new Error('parts');
  if (parts.some((part) => Buffer.from(part, 'base64url').toString('base64url') !== part))
    throw new Error('text');
  const { alg, enc } = JSON.parse(header.toString()) as Record<string, unknown>;
  if (alg !== 'RSA-OAEP-256') throw new Error('alg');
  const cek = privateDecrypt(
    { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
    key,
  );
  const cipher = enc === 'A128GCM' ? 'aes-128-gcm' : 'aes-256-gcm';
  const decipher = createDecipheriv(cipher, cek, iv, { authTagLength: 16 });
  decipher.setAAD(Buffer.from(parts[0] ?? '', 'ascii'));
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
}

describe('encryptEnrollmentData', () => {
  it.each(['A128GCM', 'A256GCM'] as const)('makes a token that node:crypto opens, with %s', async (enc) => {
    const many = { enrollments: testRecords(20) };
    const token = await encryptEnrollmentData(many, recipient, enc);
    expect(JSON.parse(open(token, pair.privateKey))).toEqual(many);
  });

  it.each(['A128GCM', 'A256GCM'] as const)(
    'writes exactly kid, alg and enc into the header: %s',
    async (enc) => {
      const token = await encryptEnrollmentData(payload, recipient, enc);
      const header = Buffer.from(token.split('.')[0] ?? '', 'base64url').toString();
      expect(header).toBe(`{"kid":"key-1","alg":"RSA-OAEP-256","enc":"${enc}"}`);
    },
  );

  it('keeps characters of every language', async () => {
    const record = testRecord(1);
    record.consumer.firstName = 'Zoë 李 🂡';
    const token = await encryptEnrollmentData({ enrollments: [record] }, recipient, 'A128GCM');
    expect(open(token, pair.privateKey)).toContain('Zoë 李 🂡');
  });

  it('makes a token that no longer opens when any one of its characters is changed', async () => {
    const token = await encryptEnrollmentData(payload, recipient, 'A128GCM');
    const opened: number[] = [];
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === 'A' ? 'B' : 'A';
      try {
        open(token.slice(0, at) + other + token.slice(at + 1), pair.privateKey);
        opened.push(at);
      } catch {
        // as it should be
      }
    }
    expect(opened).toEqual([]);
  });
});

describe('asCompactJwe', () => {
  it.each(['A128GCM', 'A256GCM'] as const)('recognises a token of ours: %s', async (enc) => {
    const token: string = await encryptEnrollmentData(payload, recipient, enc);
    expect(asCompactJwe(token)).toBe(token);
  });

  it('refuses records in clear, and says nothing of them', () => {
    const clear = JSON.stringify(payload);
    for (const text of [clear, Buffer.from(clear).toString('base64url'), `e30.${clear}.x.y.z`]) {
      expect(() => asCompactJwe(text)).toThrow(expect.objectContaining({ code: 'JWE_MALFORMED' }));
      expect(() => asCompactJwe(text)).toThrow(/^(?!.*(5204|Ana|example)).*$/);
    }
  });

  it('refuses a token with another alg, another enc or no header of its own', async () => {
    const jwe = (alg: string, enc: string) =>
      new CompactEncrypt(Buffer.from('x')).setProtectedHeader({ alg, enc }).encrypt(pair.publicKey);
    const ours = await encryptEnrollmentData(payload, recipient, 'A128GCM');
    const tail = ours.slice(ours.indexOf('.'));
    const header = (text: string) => Buffer.from(text).toString('base64url');
    const texts = [
      await jwe('RSA-OAEP', 'A128GCM'),
      await jwe('RSA-OAEP-256', 'A128CBC-HS256'),
      `${header('null')}${tail}`,
      `${header('{"alg":"none"}')}${tail}`,
      `${header('not JSON')}${tail}`,
    ];
    for (const text of texts) expect(() => asCompactJwe(text)).toThrow(/header/);
  });

  it('refuses a token that lost a part, or one of whose parts has another size', async () => {
    const [header, key, iv, ciphertext, tag] = (
      await encryptEnrollmentData(payload, recipient, 'A128GCM')
    ).split('.');
    const texts = [
      [header, key, iv, ciphertext],
      [header, key, iv, ciphertext, tag, ''],
      [header, '', iv, ciphertext, tag],
      [header, key, '', ciphertext, tag],
      [header, key, iv, '', tag],
      [header, key, iv, ciphertext, ''],
      [header, key, iv, `${ciphertext}=`, tag],
      [header, key, iv, `${ciphertext} `, tag],
    ];
    for (const parts of texts) expect(() => asCompactJwe(parts.join('.'))).toThrow(/compact JWE/);
  });

  it('refuses any other text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.base64String()), (text) => {
        expect(() => asCompactJwe(text)).toThrow(/compact JWE/);
      }),
    );
  });
});

describe('the type of enrollmentData', () => {
  it('admits a token and no plain string', () => {
    expectTypeOf<CompactJwe>().toExtend<string>();
    expectTypeOf<string>().not.toExtend<CompactJwe>();
    const submission: BatchSubmission = {
      externalBatchId: 'batch-1',
      correlationId: 'c',
      // @ts-expect-error: only encryptEnrollmentData and asCompactJwe make a CompactJwe, so plaintext cannot be sent.
      enrollmentData: JSON.stringify(payload),
    };
    expect(() => asCompactJwe(submission.enrollmentData)).toThrow();
  });
});
