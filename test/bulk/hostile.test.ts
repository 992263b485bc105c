import { hostileSources } from './hostile-sources.js';

hostileSources(64 * 1024, 64 * 1024 * 1024);
