import { hostileInputs } from './hostile-inputs.js';

hostileInputs(1024 * 1024, 192 * 1024 * 1024);
