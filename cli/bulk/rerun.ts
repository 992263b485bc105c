import { batchesOf, type SourceBatch } from '../../bulk/batches.js';
import { locateSource } from '../../bulk/local-source.js';
import { readLayout } from '../../bulk/records.js';
import { openSource, type Source } from '../../bulk/source.js';
import type { BulkEnrollment } from '../../client/bulk-enrollment.js';
import { loadConfig } from '../../config/load.js';
import {
  lastBatch,
  wasStarted,
  type BulkOrder,
  type SourceLocation,
  type StartedBatches,
} from '../../enrollment/bulk.js';
import {
  cardKey,
  isDeclinedFor,
  UNREADABLE_REASON,
  wasNeverSent,
  type Outcome,
} from '../../enrollment/outcomes.js';
import { validateRecords } from '../../enrollment/validation.js';
import type { EnrollmentApi } from '../../mastercard/api/enrollment-api.js';

/** A job of which it is unknown what may be sent again. */
export class RerunRefusedError extends Error {
  override readonly name = 'RerunRefusedError';
  readonly code = 'RERUN_REFUSED';
}

/**
 * Whether a card may be sent again without asking anybody: it was never sent, it was taken back, or
 * Mastercard declined it for a reason that may have passed. Of any other that is not enrolled Mastercard has
 * said a last word, or may have it.
 */
export function mayBeSentAgain(outcome: Outcome, { errors }: Pick<EnrollmentApi, 'errors'>): boolean {
  return outcome.status === 'ROLLED_BACK' || wasNeverSent(outcome) || isDeclinedFor(errors.passing, outcome);
}

/** How many cards, by what became of them: `FAILED UNAVAILABLE`. */
export type CardsByOutcome = Map<string, number>;

/** What of a closed job's source may be sent again, as the records of a source of its own. */
export class Rerun {
  consumers = 0;
  readonly taken: CardsByOutcome = new Map();
  /** Those that are not enrolled and stay out. */
  readonly leftOut: CardsByOutcome = new Map();

  /** @param source the job's own, wherever it is by now: its records are held against the outcomes. */
  constructor(
    private readonly bulk: Pick<BulkEnrollment, 'batchOutcomes'>,
    private readonly result: StartedBatches,
    private readonly order: Pick<BulkOrder, 'maxCardsPerBatch'>,
    private readonly source: Source,
    private readonly api: Pick<EnrollmentApi, 'errors' | 'records'>,
  ) {}

  /**
   * The records, with only those of their cards that may be sent again, in the order of the source. What is
   * held is one batch.
   * @throws RerunRefusedError where the source is not the one that was enrolled; SourceError, SourceChangedError.
   */
  async *records(): AsyncGenerator<object> {
    const layout = await readLayout(this.source);
    const { maxCardsPerBatch } = this.order;
    let n = 0;
    for await (const { batch } of batchesOf(this.source, { layout, maxCardsPerBatch })) {
      if (!batch) continue;
      n += 1;
      for (const record of wasStarted(this.result, n) ? await this.some(n, batch) : this.all(batch)) {
        this.consumers += 1;
        yield record;
      }
    }
    if (n < lastBatch(this.result))
      throw this.otherSource(`it has ${n} batches, and ${this.result.batches} were enrolled`);
  }

  /** Of a batch that was never started. */
  private all({ records, cards }: SourceBatch): object[] {
    add(this.taken, 'of batches that were never started', cards);
    return records.map(({ value }) => value as object);
  }

  private async some(n: number, { records, cards, line }: SourceBatch): Promise<object[]> {
    const { outcomes } = (await this.bulk.batchOutcomes(n)) ?? { outcomes: [] };
    if (outcomes.length === 0) {
      add(this.leftOut, 'of batches without outcomes', cards);
      return [];
    }
    if (outcomes.some(isUnnamed)) {
      add(this.leftOut, 'of batches whose cards cannot be named', cards);
      return [];
    }
    const values = records.map(({ value }) => value);
    const { order } = validateRecords(values, this.api.records, new Date());
    if (order.length !== outcomes.length || order.some((key, at) => cardKey(key) !== cardKey(outcomes[at]!)))
      throw this.otherSource(`from line ${line} on it has other cards than batch ${n}`);
    for (const outcome of outcomes) {
      const what = [outcome.status, outcome.reason].filter(Boolean).join(' ');
      if (mayBeSentAgain(outcome, this.api)) add(this.taken, what, 1);
      else if (outcome.status !== 'ENROLLED') add(this.leftOut, what, 1);
    }
    const again = outcomes.filter((outcome) => mayBeSentAgain(outcome, this.api));
    return withCards(values as RecordOfSource[], new Set(again.map(cardKey)));
  }

  private otherSource(how: string): RerunRefusedError {
    const { name } = this.source;
    return new RerunRefusedError(
      `${name} is not what the job enrolled: ${how}; put the original back, or name it with --source`,
    );
  }
}

/**
 * Finds out whether it is known what of a job may be sent again, and opens its source.
 * @param location of the source; by default where the job had it.
 * @throws RerunRefusedError, SourceError, ConfigError.
 */
export async function openRerun(bulk: BulkEnrollment, location?: SourceLocation): Promise<Rerun> {
  const [closed, order] = await Promise.all([bulk.closed(), bulk.order()]);
  const refuse = (why: string) =>
    new RerunRefusedError(`cannot decide which cards of bulk job '${bulk.bulkId}' may be sent again: ${why}`);
  if (!closed) throw refuse(`it is not closed; wait for it with: c2p bulk watch ${bulk.bulkId}`);
  if (!order) throw refuse('c2p did not start it, so it is unknown how its source was split');
  const { bulk: rules, programs } = await loadConfig();
  const program = programs[bulk.key.program];
  if (!program) throw refuse(`the configuration has no program '${bulk.key.program}'`);
  const source = await openSource(location ?? (await locateSource(order.source, rules?.folder)), { rules });
  return new Rerun(bulk, closed.result, order, source, program.api);
}

/** Of a batch that was closed without its blobs. */
function isUnnamed({ reason, externalCardId }: Outcome): boolean {
  return reason === UNREADABLE_REASON && externalCardId.startsWith('#');
}

/** What `readRecords` promises of a record; its cards may be anything. */
interface RecordOfSource {
  externalConsumerId: string;
  cards: unknown[];
}

function withCards(records: readonly RecordOfSource[], wanted: ReadonlySet<string>): object[] {
  return records.flatMap((record) => {
    const { externalConsumerId } = record;
    const cards = record.cards.filter((card) => {
      const { externalCardId } = (card ?? {}) as { externalCardId?: unknown };
      return (
        typeof externalCardId === 'string' && wanted.has(cardKey({ externalConsumerId, externalCardId }))
      );
    });
    return cards.length > 0 ? [{ ...record, cards }] : [];
  });
}

function add(counts: CardsByOutcome, what: string, cards: number): void {
  counts.set(what, (counts.get(what) ?? 0) + cards);
}
