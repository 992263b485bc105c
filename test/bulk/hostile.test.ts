import { describe } from 'vitest';
import { hostileSources } from './hostile-sources.js';

describe('a hostile portfolio leaves the event loop to others', () => {
  hostileSources(32 * 1024, 64 * 1024 * 1024);
});
