/** Type of the failure by which a worker of the model reports its own death. */
export const WORKER_DIED = 'WorkerDied';
