import { testRecords } from '../support/records.js';
import { PROGRAM, type Rig } from '../support/rig.js';
import { ScriptedGateway } from '../support/scripted-gateway.js';
import { processing } from './answers.js';
import { hasPolled } from './polling-ways.js';
import { passingUntil, type Scenario } from './scenario.js';

const GRACE_MS = 600_000;

/** Sweeps once. */
async function sweep(rig: Rig, name: string) {
  const { result, workflowId } = await rig.sweep(GRACE_MS);
  const ends = result.ended + result.unknown > 0 ? ('CLOSED' as const) : ('NOTHING' as const);
  return { ends, failure: undefined, workflows: { [name]: workflowId } };
}

const nothing = 'sweep-with-nothing-to-close';
const closing = 'sweep-that-closes-a-terminated-batch';
const common = { of: 'sweep', failure: undefined, isHandedOver: false, inRealTime: false } as const;

export const sweepScenarios: Scenario[] = [
  {
    ...common,
    name: nothing,
    ends: 'NOTHING',
    play: (rig) => sweep(rig, nothing),
  },
  {
    ...common,
    name: closing,
    ends: 'CLOSED',
    play: (rig) =>
      rig.running(new ScriptedGateway({ status: [processing(closing)] }), async (client) => {
        const key = { program: PROGRAM, externalBatchId: closing };
        const batch = await client.enroll({ ...key, records: testRecords(1) });
        await passingUntil(rig, () => hasPolled(batch, 1));
        await rig.workflow(closing).terminate('a scenario');
        await rig.env.sleep(2 * GRACE_MS);
        return sweep(rig, closing);
      }),
  },
];
