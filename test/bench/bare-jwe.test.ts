import { generateKeyPairSync } from 'node:crypto';
import { compactDecrypt } from 'jose';
import { describe, expect, it } from 'vitest';
import { encryptBare } from '../../bench/bare-jwe.js';
import { benchRecords, TODAY } from '../../bench/data.js';
import { validateRecords } from '../../enrollment/validation.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

describe('what the benchmarks compare with and work on', () => {
  it('makes, with bare node:crypto, a token that opens to the payload', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const payload = { enrollments: benchRecords(2) };

    const token = encryptBare(payload, { kid: 'bench', key: publicKey });

    const { plaintext, protectedHeader } = await compactDecrypt(token, privateKey);
    expect(protectedHeader).toEqual({ kid: 'bench', alg: 'RSA-OAEP-256', enc: 'A128GCM' });
    expect(JSON.parse(Buffer.from(plaintext).toString('utf8'))).toEqual(payload);
  });

  it('measures on records that are all valid', () => {
    const { validCards, cards } = validateRecords(benchRecords(250), batchEnroll.records, TODAY);
    expect({ validCards, cards }).toEqual({ validCards: 250, cards: 250 });
  });
});
