import { describe } from 'vitest';
import { testClosing } from '../scenarios/closing-matrix.js';
import { damageCases } from '../scenarios/damage-cases.js';

const cases = await damageCases();

describe('a batch closes on every way whichever blob is damaged', () => {
  testClosing(cases);
});
