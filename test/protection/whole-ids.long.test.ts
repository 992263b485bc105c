import { expect, it } from 'vitest';
import { looksLikePan } from '../../enrollment/identifiers.js';
import { maskForeign, maskPersonal } from '../../protection/mask.js';
import { randomIds } from '../support/random-ids.js';

it('leaves a million random UUIDs whole', () => {
  for (const id of randomIds(1_000_000)) {
    if (maskForeign(id) !== id || maskPersonal(id) !== id || looksLikePan(id)) expect(id).toBe('whole');
  }
});
