import { hostileInputs } from './hostile-inputs.js';

hostileInputs(64 * 1024, 64 * 1024 * 1024);
