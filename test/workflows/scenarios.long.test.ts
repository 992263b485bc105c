import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scenarios } from '../scenarios/index.js';
import { recordHistories } from '../scenarios/recorded-histories.js';
import { createRealTimeEnv } from '../support/real-time.js';
import { historiesOf } from '../support/replay.js';
import { Rig } from '../support/rig.js';

/** Set, the histories are written down, which `golden-histories.test.ts` replays: `npm run record-histories`. */
const RECORDS = process.env['C2P_RECORD_HISTORIES'] !== undefined;

describe.each([
  ['in skipped time', false, {}],
  ['in real time', true, { createEnv: createRealTimeEnv }],
] as const)('%s', (_, inRealTime, options) => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.create(options);
  });
  afterAll(() => rig.close());

  const those = scenarios.filter((scenario) => scenario.inRealTime === inRealTime);
  test.each(those.map((scenario) => [scenario.of, scenario.name, scenario] as const))(
    'a %s goes its way: %s',
    async (__, ___, { ends, failure, isHandedOver, play }) => {
      const played = await rig.handingOver(isHandedOver, () => play(rig));
      expect({ ends: played.ends, failure: played.failure }).toEqual({ ends, failure });
      for (const [name, workflowId] of Object.entries(played.workflows)) {
        const runs = await historiesOf(rig.env.client, workflowId);
        if (RECORDS) await recordHistories(name, runs, rig.dataConverter.payloadCodecs ?? []);
        if (isHandedOver) expect(runs.length).toBeGreaterThan(1);
      }
    },
  );
});
