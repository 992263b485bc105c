import { hostileSources } from './hostile-sources.js';

hostileSources(1024 * 1024, 192 * 1024 * 1024);
