import { describe } from 'vitest';
import { growsLinearly, withstands } from '../support/hostile-inputs.js';
import { PARSERS } from './parsers.js';

describe('every parser of what comes from outside withstands a megabyte of hostile input', () => {
  for (const parser of PARSERS) withstands(parser, 1024 * 1024, 192 * 1024 * 1024);
});

describe('every parser of what comes from outside', () => {
  for (const parser of PARSERS) growsLinearly(parser);
});
