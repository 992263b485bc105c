import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { ProgramDependencies } from '../../activities/dependencies.js';
import type { EnrollmentBatch } from '../../client/enrollment-batch.js';
import { BatchInvalidError } from '../../client/errors.js';
import type { BatchKey, BatchResult, ClosedStatus } from '../../enrollment/batch.js';
import { FailureType } from '../../enrollment/errors.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import type { PolicyInput } from '../../enrollment/policy-schema.js';
import type { EnrollmentRecord } from '../../enrollment/records.js';
import { testRecords } from '../support/records.js';
import { PROGRAM, type Rig } from '../support/rig.js';
import { ScriptedGateway } from '../support/scripted-gateway.js';
import type { Scenario } from './scenario.js';

type Script = ConstructorParameters<typeof ScriptedGateway>[0];

/** What happens to a batch that bears the name of the way. */
export interface BatchWay {
  name: string;
  ends: ClosedStatus;
  failure?: FailureType;
  /** Default: two, of one card each. */
  records?: EnrollmentRecord[];
  policy?: PolicyInput;
  /** What Mastercard answers, and what happens meanwhile. */
  mastercard: (externalBatchId: string, place: WayPlace) => Script;
  /** Whom the batch is encrypted to. */
  recipient?: ProgramDependencies['recipient'];
  /** What is there before the batch is. */
  before?: (place: WayPlace) => Promise<void>;
  /** What somebody does to the batch. */
  act?: (batch: EnrollmentBatch, place: WayPlace) => Promise<void>;
  /** Started as by a client that has no store: with the records in the workflow's input. */
  isInline?: true;
}

export interface WayPlace {
  rig: Rig;
  key: BatchKey;
}

export function batchScenario(
  way: BatchWay,
  { isHandedOver = false, inRealTime = false }: Partial<Pick<Scenario, 'isHandedOver' | 'inRealTime'>> = {},
): Scenario {
  const { ends, failure } = way;
  const name = isHandedOver ? `handed-over-${way.name}` : way.name;
  const play = async (rig: Rig) => {
    const { result, workflowId } = await takeBatch({ ...way, name }, rig);
    const { status, failure: type } = result;
    return { ends: status, failure: type, workflows: { [name]: workflowId } };
  };
  return { of: 'batch', name, ends, failure, isHandedOver, inRealTime, play };
}

/** Takes a batch its way, with workers of its own. */
export async function takeBatch(
  way: BatchWay,
  rig: Rig,
  { activityInterceptors = [], startsIt = enroll }: TakeOptions = {},
) {
  const key = { program: PROGRAM, externalBatchId: way.name };
  const place = { rig, key };
  const { mastercard, recipient } = way;
  const gateway = new ScriptedGateway(mastercard(way.name, place));
  const taskQueue = rig.nextBatchId('c2p-scenario');
  const options = { taskQueue, gateway, activityInterceptors, ...(recipient && { recipient }) };
  const [workflows, calls] = await rig.createWorkers(options);
  await way.before?.(place);
  const result = await workflows.runUntil(
    calls.runUntil(async () => {
      const batch = await startsIt(way, place, taskQueue);
      await way.act?.(batch, place);
      return batch.result().catch(refusedOf);
    }),
  );
  return { result, workflowId: workflowIdOf(key) };
}

export interface TakeOptions {
  activityInterceptors?: ActivityInterceptorsFactory[];
  /** Default: the client enrolls it, as the way says. */
  startsIt?: typeof enroll;
}

export async function enroll(
  way: BatchWay,
  { rig, key }: WayPlace,
  taskQueue: string,
): Promise<EnrollmentBatch> {
  const { records = testRecords(2), policy } = way;
  const client = rig.client({ taskQueue });
  if (!way.isInline) return client.enroll({ ...key, records, policy });
  await rig.env.client.workflow.start('batchEnrollment', {
    workflowId: workflowIdOf(key),
    taskQueue,
    args: [{ ...key, records: { inline: records }, policy }],
  });
  return client.batch(key.externalBatchId, key.program);
}

/** Of a batch whose input was refused nothing is remembered. */
function refusedOf(error: unknown): Pick<BatchResult, 'status' | 'failure'> {
  if (!(error instanceof BatchInvalidError)) throw error;
  return { status: 'FAILED', failure: FailureType.InputRefused };
}
