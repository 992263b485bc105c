import { describe } from 'vitest';
import { randomLives } from './lives.js';

describe('a random life of a batch leaves every card with an outcome and no cardholder data', () => {
  randomLives(16, false);
});
