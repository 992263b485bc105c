import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encryptEnrollmentData } from '../mastercard/jwe.js';
import { loadEncryptionKey } from '../mastercard/keys.js';
import { generateSandboxKeys } from '../simulator/index.js';
import { measureAlternating, median, medianRatio } from './alternating.js';
import { encryptBare } from './bare-jwe.js';
import { benchRecords } from './data.js';
import { createOfficialEncryption } from './official-jwe.js';
import { printFigure, printHeading, printRatio } from './report.js';

const BATCH_SIZES = [1, 20, 250];
const ROUNDS = 25;
const SLICE_MS = 100;
/** Of bare node:crypto, for a full batch. */
const BUDGET = { cards: 250, atLeast: 0.2 };

/** Encryption of one batch after another on one thread, ours beside bare node:crypto and Mastercard's own library. */
export async function benchmarkEncryption(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'c2p-bench-'));
  try {
    const { encryptionCertificate } = await generateSandboxKeys(folder);
    const recipient = await loadEncryptionKey({ path: encryptionCertificate });
    const encryptOfficial = createOfficialEncryption(encryptionCertificate);
    for (const cards of BATCH_SIZES) {
      const payload = { enrollments: benchRecords(cards) };
      const rates = await measureAlternating(
        {
          ours: () => encryptEnrollmentData(payload, recipient, 'A128GCM'),
          bare: () => encryptBare(payload, recipient),
          official: () => encryptOfficial(payload),
        },
        { rounds: ROUNDS, sliceMs: SLICE_MS },
      );
      printHeading(`Encryption of batches of ${cards} ${cards === 1 ? 'card' : 'cards'}`);
      printFigure('c2p (jose)', median(rates.ours), 'batches/s');
      printFigure('bare node:crypto, key imported once', median(rates.bare), 'batches/s');
      printFigure('mastercard-client-encryption', median(rates.official), 'batches/s');
      printRatio(
        'c2p / bare node:crypto',
        medianRatio(rates.ours, rates.bare),
        cards === BUDGET.cards ? BUDGET : undefined,
      );
      printRatio('c2p / mastercard-client-encryption', medianRatio(rates.ours, rates.official));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
