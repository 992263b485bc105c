import type { ActivityDependencies } from '../../activities/dependencies.js';
import { submitBatch, type SubmissionAnswer, type SubmitBatchInput } from '../../activities/submit-batch.js';
import type { Unreadable } from '../../store/unreadable.js';
import { Blob, type OfferMark } from '../../enrollment/blobs.js';
import type { EnrollmentGateway } from '../../mastercard/gateway.js';
import { getJson } from '../../store/store.js';
import { DamagedStore } from '../support/damaged-store.js';
import { activityEnvironment } from './environment.js';
import { jweOf } from '../support/records.js';
import { batchEnroll } from '../../mastercard/api/batch-enroll.js';

export const BATCH = { program: 'demo', externalBatchId: 'batch-1' };
export const NOW = new Date('2026-11-30T10:00:00Z');

/** Of the right shape, and nobody's. */
const JWE = [
  Buffer.from('{"kid":"mc-1","alg":"RSA-OAEP-256","enc":"A128GCM"}'),
  ...[256, 12, 100, 16].map((size) => Buffer.alloc(size)),
]
  .map((part) => part.toString('base64url'))
  .join('.');

/** A batch whose first two rounds are encrypted, and attempts to submit them. */
export class SubmissionRig {
  private constructor(readonly store: DamagedStore) {}

  static async create(): Promise<SubmissionRig> {
    const rig = new SubmissionRig(await DamagedStore.create());
    for (const round of [1, 2]) await rig.store.put(BATCH, jweOf(round), Buffer.from(JWE));
    return rig;
  }

  /** One attempt, of the chain `chain-a` unless told otherwise, in a worker that knows the program. */
  submit(
    gateway: EnrollmentGateway,
    input: Partial<SubmitBatchInput> = {},
    deps: Partial<ActivityDependencies> = {},
  ): Promise<SubmissionAnswer | Unreadable> {
    const { round = 1 } = input;
    const program = () => ({
      gateway,
      recipient: () => Promise.reject(new Error('not asked for')),
      contentEncryption: 'A128GCM' as const,
      maxCardsPerBatch: 250,
      api: batchEnroll,
      policy: {},
    });
    const activity = submitBatch({ store: this.store, program, now: () => NOW, ...deps });
    const enrollmentData = jweOf(round);
    const whole = { batch: BATCH, round, enrollmentData, chain: 'chain-a', ...input };
    return activityEnvironment().run(() => activity(whole));
  }

  /** What the store remembers of a round that was offered; nothing where it was not. */
  async mark(round = 1): Promise<OfferMark | undefined> {
    const ref = Blob.offered(round);
    return (await this.store.has(BATCH, ref)) ? getJson<OfferMark>(this.store, BATCH, ref) : undefined;
  }
}
