import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { batchEnroll } from '../../../mastercard/api/batch-enroll.js';

/** Where c2p is, the API module and the simulator apart. */
const ROOMS =
  'activities bulk cli client config doctor enrollment mastercard protection retention store worker workflows'.split(
    ' ',
  );
const sources = ROOMS.flatMap((room) =>
  readdirSync(room, { recursive: true, encoding: 'utf8' }).map((path) => join(room, path)),
).filter((path) => path.endsWith('.ts') && !path.startsWith(join('mastercard', 'api')));

/** Words that stand for the same thing in c2p's own domain. */
const OWN = new Set(
  'FAILED EXPIRED CANCELLED INTERNAL LOCKED SYSTEM ABORTED DECLINED COMPLETED_WITH_ERRORS'.split(' '),
);

const { status, errors, headers } = batchEnroll;
const caller = { srcClientId: 'c', serviceId: 's', correlationId: 'i' };
const requests = [
  batchEnroll.enroll.request(caller, { externalBatchId: 'b', enrollmentData: 'e' }),
  batchEnroll.removal.profile(caller, { srcConsumerId: 'p' }),
];
const words = [
  ...requests.map(({ path }) => path),
  ...status.states.keys(),
  ...status.results.keys(),
  ...errors.reasons,
  headers.flowId,
  ...headers.correlationIds,
].filter((word) => !OWN.has(word));

test('no path, header, status or reason of Mastercard’s stands outside the API module', () => {
  expect(sources.length).toBeGreaterThan(200);
  expect(words.length).toBeGreaterThan(40);
  const found = sources.flatMap((path) => {
    const text = readFileSync(path, 'utf8');
    return words.filter((word) => text.includes(`'${word}`)).map((word) => `${path}: ${word}`);
  });
  expect(found).toEqual([]);
});
