import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLOSED_STATUSES, isClosed } from '../../enrollment/batch.js';
import { BatchRun } from './batch-run.js';
import { commands, compare, decide, extend, resolve } from './commands.js';
import { checkInvariants } from './invariants.js';
import { Model } from './model.js';
import { policyOf, scenario, type Scenario } from './scenario.js';
import { World } from './world.js';

const seed = Number(process.env['C2P_MODEL_SEED'] ?? 20_261_124);
const path = process.env['C2P_MODEL_PATH'];
const runs = path === undefined ? Number(process.env['C2P_MODEL_RUNS'] ?? 300) : 1;

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.close());

const met = new Map<string, number>();
const count = (what: string) => void met.set(what, (met.get(what) ?? 0) + 1);

function modelOf(run: BatchRun): Model {
  const kinds = run.scenario.consumers.flat();
  const valid = kinds.filter((kind) => kind !== 'invalid').length;
  const cards = { all: kinds.length, valid };
  const { cached } = run.scenario;
  return new Model(run.externalBatchId, policyOf(run.scenario), cards, cached, () => run.accepted());
}

/** Nothing fails any more, and the operator answers what is asked: then the batch must come to its end. */
async function finish(model: Model, run: BatchRun): Promise<void> {
  run.allIsWell();
  for (let step = 0; step < 100; step += 1) {
    const { status, retrying } = await compare(model, run);
    if (isClosed(status) && retrying.length === 0) return;
    const { operator } = run.scenario;
    const { resolves, retries } = operator[step % operator.length]!;
    if (retrying.length > 0) await run.sleep(600_000);
    else if (model.stage === 'asking') {
      const then = await resolve(model, run, resolves ? 'right' : 'abandon');
      await compare(model, run, then);
    } else if (model.stage === 'deciding') await decide(model, run, retries ? 'retry' : 'abandon');
    else if (model.question === 'moreTime') await extend(model, run, resolves && step < 10 ? DAY : undefined);
    else await run.sleep(DAY / 4);
  }
  throw new Error('the batch does not come to its end');
}

const DAY = 24 * 3_600_000;

let number = 0;

async function runOnce(given: Scenario, steps: Iterable<fc.AsyncCommand<Model, BatchRun>>): Promise<void> {
  number += 1;
  const run = await BatchRun.begin(world, number, given, count);
  try {
    const model = modelOf(run);
    await compare(model, run);
    await fc.asyncModelRun(() => ({ model, real: run }), steps);
    await finish(model, run);
    const result = await run.batch.result();
    count(`ending ${result.status}`);
    await checkInvariants(run, model, result);
    await world.rig.replay(run.externalBatchId);
  } catch (error) {
    await run.giveUp();
    throw error;
  }
}

test(`${runs} random lives of a batch are what the model says`, { timeout: 1_200_000 }, async () => {
  console.log(`C2P_MODEL_SEED=${seed}`);
  const started = Date.now();
  const property = fc.asyncProperty(
    scenario,
    fc.commands(commands, { maxCommands: 14, size: 'max' }),
    runOnce,
  );
  await fc.assert(property, {
    seed,
    numRuns: runs,
    ...(path === undefined ? {} : { path }),
    endOnFailure: process.env['C2P_MODEL_SHRINK'] === undefined,
  });
  const table = [...met]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, times]) => `${String(times).padStart(6)}  ${what}`);
  console.log(
    [`${runs} runs, seed ${seed}, ${Math.round((Date.now() - started) / 1000)} s`, ...table].join('\n'),
  );
  if (runs >= 300 && path === undefined)
    for (const status of CLOSED_STATUSES) expect(met.has(`ending ${status}`), status).toBe(true);
});
