import { afterAll, beforeAll, test } from 'vitest';
import { Rig } from '../support/rig.js';
import type { DamageCase } from './damage-cases.js';
import { takeDamaged, takeUndamaged, type Ended } from './damaged-run.js';

/** A test for each case: the batch closes, accounts for its cards, erases their data and tells its job. */
export function testClosing(cases: readonly DamageCase[]): void {
  let rig: Rig;
  beforeAll(async () => {
    // A job that has its batch's report may end before the batch does.
    rig = await Rig.create({ childrenOutliveParents: true });
  });
  afterAll(() => rig.close());

  const undamaged = new Map<string, Ended>();
  test.each(cases.map((one) => [nameOf(one), one] as const))('%s', async (_, one) => {
    await takeDamaged(rig, one, async () => {
      const { name } = one.way;
      const ended = undamaged.get(name) ?? (await takeUndamaged(rig, one.way));
      undamaged.set(name, ended);
      return ended;
    });
  });
}

function nameOf({ way, moment, blob, damage, ofJob }: DamageCase): string {
  const { activityType, nth, isRepeated } = moment;
  const when = `${isRepeated ? 'between two attempts at' : 'before'} ${activityType} ${nth}`;
  return `${way.name}${ofJob ? ', of a job' : ''}: ${blob} is ${damage} ${when}`;
}
