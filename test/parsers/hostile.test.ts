import { describe } from 'vitest';
import { withstands } from '../support/hostile-inputs.js';
import { PARSERS } from './parsers.js';

describe('every parser of what comes from outside withstands hostile input', () => {
  for (const parser of PARSERS) withstands(parser, 16 * 1024, 64 * 1024 * 1024);
});
