import { createSimulator, type Simulator, type SimulatorOptions } from '../../simulator/index.js';

/**
 * A simulator by whose clock each call takes 20 ms, and a batch 50 ms: a batch that is offered twice is in progress at the
 * first poll, and done at the second, however slow the machine is.
 */
export function tickingSimulator(options: SimulatorOptions): Promise<Simulator> {
  let time = Date.now();
  return createSimulator({
    ...options,
    processingMs: 50,
    now: () => time,
    logger: { info: () => void (time += 20) },
  });
}
