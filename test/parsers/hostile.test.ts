import { withstands } from '../support/hostile-inputs.js';
import { PARSERS } from './parsers.js';

for (const parser of PARSERS) withstands(parser, 64 * 1024, 64 * 1024 * 1024);
