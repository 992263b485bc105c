import { describe } from 'vitest';
import { testClosing } from '../scenarios/closing-matrix.js';
import { damageCases, selectionOf } from '../scenarios/damage-cases.js';

const cases = selectionOf(await damageCases());

describe('a batch closes on every way where a blob is damaged', () => {
  testClosing(cases);
});
