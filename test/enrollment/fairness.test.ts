import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fairShare } from '../../enrollment/fairness.js';
import { PROGRAM_PATTERN } from '../../enrollment/identifiers.js';

const program = fc.stringMatching(PROGRAM_PATTERN);
const work = fc.constantFrom('batch' as const, 'bulk' as const);

test('every program has two shares, which are nobody else’s and which Temporal takes', () => {
  fc.assert(
    fc.property(program, work, program, work, (one, ofOne, other, ofOther) => {
      const [first, second] = [fairShare(one, ofOne), fairShare(other, ofOther)];
      expect(first.fairnessKey === second.fairnessKey).toBe(one === other && ofOne === ofOther);
      // Temporal's limit is 64 bytes.
      expect(Buffer.byteLength(first.fairnessKey)).toBeLessThanOrEqual(64);
    }),
  );
});
