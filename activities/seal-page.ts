import { cancellationSignal, getClient } from '@temporalio/activity';
import { batchesOf, type SourceBatch, type Step } from '../bulk/batches.js';
import type { SourceCursor } from '../bulk/cursor.js';
import { locateSource } from '../bulk/local-source.js';
import { readLayout } from '../bulk/records.js';
import { BEGINNING } from '../bulk/row-cutter.js';
import { SourceChangedError } from '../bulk/source-error.js';
import { openSource, type Source } from '../bulk/source.js';
import type { BatchKey, BlobRef } from '../enrollment/batch.js';
import { Blob, isBulkRecords } from '../enrollment/blobs.js';
import { bulkAddress, bulkBatchId, type BulkKey, type SourceLocation } from '../enrollment/bulk.js';
import { workflowIdOf } from '../enrollment/identifiers.js';
import { digestKeyId } from '../protection/key-ring.js';
import { digestedBytes } from '../protection/records-digest.js';
import { executionOf } from '../retention/find-execution.js';
import { lookingClient } from '../retention/looking-client.js';
import { namespaceIdOf } from '../retention/namespace.js';
import { putJson } from '../store/store.js';
import { ownerOf } from './batch-owner.js';
import { failingClearly } from './failures.js';
import { progressBefore, whileHeartbeating } from './heartbeat.js';
import type { ActivityDependencies } from './dependencies.js';

export interface SealPageInput {
  bulk: BulkKey;
  source: SourceLocation;
  /** The same for every page of a source. */
  maxCardsPerBatch: number;
  /** The number of the page's first batch, counted from 1. */
  firstBatch: number;
  /** How many batches a page has at most; each is about 200 bytes of the result. */
  maxBatches: number;
  /** Where the page before ended; absent for the first. */
  from?: SourceCursor | undefined;
}

/** A batch whose records are in the store, or were. */
export interface SealedBatch {
  /** Counted from 1 over the whole source. */
  n: number;
  /**
   * Whether the job began it before, as one that was reset finds it: it must not be started again, its records are
   * as they were, and what became of it is to be asked.
   */
  begun: boolean;
  records: BlobRef;
  recordsDigest: string;
  consumers: number;
  cards: number;
  /** Of the source, counted from 1: where its first record begins. */
  line: number;
}

export interface SealedPage {
  batches: SealedBatch[];
  /** The numbers of those that are left out, since another batch has their id; nothing of that one is touched. */
  taken: number[];
  rejects: number;
  /** Whether the source has no more. */
  ended: boolean;
  cursor: SourceCursor;
}

/** A page of a source that is mostly rejects ends behind so many, and the next one goes on: an attempt that fails loses little. */
const MOST_REJECTS_A_PAGE = 20_000;

/** How many batches are sealed while the next is read. */
const SEALED_AT_ONCE = 4;

/**
 * Reads a part of a source and seals the records of each batch that is in it, page by page: each page's
 * `cursor` is where the next one begins, until one has `ended`. Rows that come into no batch go into the
 * job's rejects. It heartbeats the page as far as it is, and a next attempt goes on from there.
 *
 * @throws ApplicationFailure of type SourceUnusable, SourceChanged.
 */
export function sealPage(
  deps: Pick<ActivityDependencies, 'store' | 'keyRing' | 'sourceFolder' | 'sourceRules'>,
) {
  return (input: SealPageInput): Promise<SealedPage> =>
    failingClearly(async () => {
      const begun = progressBefore<SealedPage>();
      const location = await locateSource(input.source, deps.sourceFolder);
      const from = begun?.cursor ?? input.from;
      const source = await openSource(location, { expected: from?.identity, rules: deps.sourceRules });
      const cursor = from ? await sameAsBefore(deps, source, from) : await firstCursor(deps, source);
      const page = new Page(
        deps,
        input,
        begun ?? { batches: [], taken: [], rejects: 0, ended: false, cursor },
      );
      return whileHeartbeating(
        () => page.seal(source),
        () => page.sealed,
      );
    });
}

class Page {
  private readonly temporal = lookingClient(getClient());
  private readonly records: Promise<BlobRef>;
  /** Told of, and standing behind `sealed.cursor`. */
  private furtherRejects = 0;

  constructor(
    private readonly deps: Pick<ActivityDependencies, 'store' | 'keyRing'>,
    private readonly input: SealPageInput,
    /** What of it outlives this attempt. */
    public sealed: SealedPage,
  ) {
    this.records = namespaceIdOf(getClient()).then((id) => Blob.bulkRecords(id));
  }

  async seal(source: Source): Promise<SealedPage> {
    const { maxCardsPerBatch, maxBatches } = this.input;
    const { layout, position: start } = this.sealed.cursor;
    let found = this.sealed.batches.length + this.sealed.taken.length;
    let { rejects } = this.sealed;
    const underWay: Promise<SealedStep>[] = [];
    try {
      for await (const step of batchesOf(source, { layout, start, maxCardsPerBatch })) {
        cancellationSignal().throwIfAborted();
        if (step.batch) found += 1;
        rejects += step.rejects.length;
        const isMostlyRejects = rejects >= MOST_REJECTS_A_PAGE && step.after !== undefined;
        const isFull = step.isLast || found >= maxBatches || isMostlyRejects;
        const putting = this.put(step, found);
        // Whichever fails is awaited in its turn; until then it is no error that nobody caught.
        putting.catch(() => {});
        underWay.push(putting);
        while (underWay.length > (isFull ? 0 : SEALED_AT_ONCE)) this.add(await underWay.shift()!);
        if (isFull) break;
      }
      return this.sealed;
    } finally {
      // Nothing may still be writing when the activity has ended.
      await Promise.allSettled(underWay);
    }
  }

  /** In the order of the source, whichever was sealed first. */
  private add({ rejects, after, isLast, sealed }: SealedStep): void {
    this.furtherRejects += rejects.length;
    if (!after) return;
    const { batches, taken, cursor } = this.sealed;
    this.sealed = {
      batches: sealed && 'records' in sealed ? [...batches, sealed] : batches,
      taken: sealed && !('records' in sealed) ? [...taken, sealed.n] : taken,
      rejects: this.sealed.rejects + this.furtherRejects,
      ended: isLast,
      cursor: { ...cursor, position: after },
    };
    this.furtherRejects = 0;
  }

  private async put(step: Step, found: number): Promise<SealedStep> {
    const { bulk, firstBatch } = this.input;
    const { batch, rejects } = step;
    const [first] = rejects;
    if (first) await putJson(this.deps.store, bulkAddress(bulk), Blob.rejects(first.line), rejects);
    return { ...step, sealed: batch && (await this.putBatch(batch, firstBatch + found - 1)) };
  }

  private async putBatch({ records, cards, line }: SourceBatch, n: number): Promise<SealedBatch | LeftOut> {
    const { store, keyRing } = this.deps;
    const { program, bulkId } = this.input.bulk;
    const batch = { program, externalBatchId: bulkBatchId(bulkId, n) };
    const state = await this.stateOf(batch);
    if (state === 'taken') return { n };
    const values = records.map(({ value }) => value);
    const ref = await this.records;
    // Records of one that is closed must not come back.
    if (state === 'free') await putJson(store, batch, ref, values);
    const recordsDigest = (await keyRing.latest()).digest(digestedBytes(values));
    const begun = state === 'begun';
    return { n, begun, records: ref, recordsDigest, consumers: records.length, cards, line };
  }

  private async stateOf(batch: BatchKey): Promise<'free' | 'begun' | 'taken'> {
    const { store } = this.deps;
    const refs = await store.list(batch);
    if (refs.length === 0) return 'free';
    const execution = await executionOf(this.temporal, workflowIdOf(batch));
    // As an attempt before this one left it.
    if (!execution && refs.every(isBulkRecords)) return 'free';
    return (await ownerOf(store, batch, execution, this.input.bulk.bulkId)) === 'job' ? 'begun' : 'taken';
  }
}

/** The number of a batch whose id another has. */
type LeftOut = Pick<SealedBatch, 'n'>;

type SealedStep = Step & { sealed?: SealedBatch | LeftOut | undefined };

async function firstCursor({ keyRing }: KeyRingHolder, source: Source): Promise<SourceCursor> {
  const layout = await readLayout(source);
  const endsDigest = (await keyRing.latest()).digest(await source.ends());
  const { identity, gzip: isCompressed } = source;
  return { identity, isCompressed, endsDigest, layout, position: BEGINNING };
}

/** @throws SourceChangedError */
async function sameAsBefore(
  { keyRing }: KeyRingHolder,
  source: Source,
  cursor: SourceCursor,
): Promise<SourceCursor> {
  const { endsDigest } = cursor;
  const knowing = await keyRing.knowing(digestKeyId(endsDigest));
  if (knowing.digestMatches(await source.ends(), endsDigest)) return cursor;
  throw new SourceChangedError(source.name, 'its first or last bytes are others');
}

type KeyRingHolder = Pick<ActivityDependencies, 'keyRing'>;
