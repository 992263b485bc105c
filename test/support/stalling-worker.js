import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { createLogger } from '../../dist/protection/logger.js';
import { createDependencies, loadConfig, runWorker } from '../../dist/worker/index.js';

/**
 * The built worker, but for one thing: at the point that `C2P_STALL_AT` names it writes the file
 * `C2P_STALL_MARKER` and goes no further, so that it can be killed just there. The point is
 * `before` or `after` a method of the store or of the gateway, and for the store how a blob's name begins:
 * `after put cards`, `before submitBatch`. The method counts as done also when it rejects.
 */
const [when, operation, ref] = process.env.C2P_STALL_AT.split(' ');

const config = await loadConfig();
const dependencies = await createDependencies(config);
const worker = await runWorker({
  config,
  logger: createLogger({ name: 'c2p-stalling-worker', level: 'info' }),
  readyFile: process.env.C2P_READY_FILE,
  dependencies: {
    ...dependencies,
    store: stalling(dependencies.store),
    program(name) {
      const program = dependencies.program(name);
      return { ...program, gateway: stalling(program.gateway) };
    },
  },
});
await worker.stopped;

function stalling(target) {
  return new Proxy(target, {
    get(_, name) {
      const method = target[name];
      if (name !== operation) return typeof method === 'function' ? method.bind(target) : method;
      return async (...args) => {
        if (ref !== undefined && !String(args[1]).startsWith(ref)) return method.apply(target, args);
        if (when === 'after') await Promise.allSettled([method.apply(target, args)]);
        writeFileSync(process.env.C2P_STALL_MARKER, '');
        return new Promise(() => {});
      };
    },
  });
}
