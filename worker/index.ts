export { runWorker, type RunWorkerOptions, type RunningWorker } from './run-worker.js';
export { createDependencies, type WorkerDependencies } from './dependencies.js';
export { ensureSearchAttributes } from './search-attributes.js';
export { loadConfig } from '../config/load.js';
export { guardProcess } from '../protection/guard-process.js';
