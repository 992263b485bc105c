import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLOSED_STATUSES, isClosed } from '../../enrollment/batch.js';
import { cardKey } from '../../enrollment/outcomes.js';
import { BatchRun } from './batch-run.js';
import { commands } from './commands.js';
import { Coverage } from './coverage.js';
import { decide, extend, resolve } from './operator-steps.js';
import { compare } from './step.js';
import { checkInvariants } from './invariants.js';
import { Model } from './model.js';
import { policyOf, recordsOf, scenario, type Scenario } from './scenario.js';
import { World } from './world.js';
import { HANDS_OVER } from '../support/rig.js';

const seed = Number(process.env['C2P_MODEL_SEED'] ?? 20_261_124);
const path = process.env['C2P_MODEL_PATH'];

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world?.close());

const coverage = new Coverage();

function modelOf(run: BatchRun): Model {
  const { cached, handsOver, consumers } = run.scenario;
  const keys = recordsOf(run.scenario, run.number).map(({ externalConsumerId, cards }) =>
    cards.map(({ externalCardId }) => cardKey({ externalConsumerId, externalCardId })),
  );
  const sent = keys.flatMap((cards, n) => cards.filter((_, m) => consumers[n]?.[m] !== 'invalid'));
  const cards = { all: keys.flat().length, sent };
  const how = { cached, handsOver: handsOver || HANDS_OVER };
  return new Model(run.externalBatchId, policyOf(run.scenario), cards, how, () => run.accepted());
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
      const then = await resolve(model, run, step < 10 || resolves !== 'resend' ? resolves : 'abandon');
      await compare(model, run, then);
    } else if (model.stage === 'deciding') await decide(model, run, retries ? 'retry' : 'abandon');
    else if (model.stage === 'late')
      await extend(model, run, resolves !== 'abandon' && step < 10 ? DAY : undefined);
    else await run.sleep(DAY / 4);
  }
  throw new Error('the batch does not come to its end');
}

const DAY = 24 * 3_600_000;

/** Ids are numbered, so a run that is played alone has the number that it had among the others. */
let number = Number(path?.split(':')[0] ?? 0);

async function runOnce(given: Scenario, steps: Iterable<fc.AsyncCommand<Model, BatchRun>>): Promise<void> {
  number += 1;
  const run = await BatchRun.begin(world, number, given, (what) => coverage.met(what));
  try {
    const model = modelOf(run);
    await compare(model, run);
    await fc.asyncModelRun(() => ({ model, real: run }), steps);
    await finish(model, run);
    const result = await run.batch.result();
    coverage.met(`ending ${result.status}`);
    coverage.met(`rounds: ${model.round}`);
    await checkInvariants(run, model, result);
    await world.rig.replay(run.externalBatchId);
  } catch (error) {
    await run.giveUp();
    throw error;
  }
}

/**
 * Lives through so many random lives of a batch and holds each against the model, the same ones for the same
 * `C2P_MODEL_SEED`.
 * @param expectAll whether every way a batch can end must be among them.
 */
export function randomLives(lives: number, expectAll: boolean): void {
  const runs = path === undefined ? lives : 1;
  test(`${runs} random lives of a batch are what the model says`, { timeout: 1_200_000 }, async () => {
    console.log(`C2P_MODEL_SEED=${seed}`);
    const started = Date.now();
    const steps = fc.commands(commands, { maxCommands: 14, size: 'max' });
    const details = await fc.check(fc.asyncProperty(scenario, steps, runOnce), {
      seed,
      numRuns: runs,
      // A run that is played alone is also made smaller.
      ...(path === undefined ? { endOnFailure: true } : { path }),
    });
    if (details.failed) {
      const again = `C2P_MODEL_SEED=${details.seed} C2P_MODEL_PATH=${details.counterexamplePath}`;
      throw new Error(`${again} plays this run alone. ${fc.defaultReportMessage(details)}`, {
        cause: details.errorInstance,
      });
    }
    const seconds = Math.round((Date.now() - started) / 1_000);
    console.log(`${runs} runs, seed ${seed}, ${seconds} s\n${coverage.table()}`);
    if (!expectAll || runs === 1) return;
    expect(coverage.missing(CLOSED_STATUSES.map((status) => `ending ${status}`)), 'never reached').toEqual(
      [],
    );
  });
}
