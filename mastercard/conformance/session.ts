import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { follows } from '../../enrollment/record-rules.js';
import { cardKeysOf, type EnrollmentRecord } from '../../enrollment/records.js';
import { reconcile, type ReportedCard } from '../../enrollment/reconciliation.js';
import type { AssumptionName } from '../api/assumptions.js';
import type { ApiRequest, Caller, EnrollmentApi } from '../api/enrollment-api.js';
import type { ErrorAnswer, GatewayOperation } from '../api/failures.js';
import { readError, readReport, readWith } from '../reading.js';
import { flowIdOf, type Answer, type SignedCaller } from '../signed-call.js';
import { assumptionsAbout, Verdicts, type Verdict } from './verdicts.js';

export interface ConformanceOptions {
  api: EnrollmentApi;
  caller: Pick<SignedCaller, 'send'>;
  srcClientId: string;
  serviceId: string;
  /** Makes the JWE of a plaintext. */
  encrypt: (plaintext: object) => Promise<string>;
  /** Valid test cards: at least one. */
  records: readonly EnrollmentRecord[];
  /** How often to ask for the status, and for how long in all (ms). */
  pollEvery: number;
  pollFor: number;
  /** Asks whether to take a step. */
  confirm: (step: Step) => Promise<boolean>;
  onExchange: (exchange: RecordedExchange) => void;
}

/** A step of the session, for a person who is to agree to it. */
export interface Step {
  title: string;
  /** What it does at Mastercard. */
  effect: string;
}

/** A request and its answer, unmasked. */
export interface RecordedExchange {
  request: ApiRequest;
  answer: Answer | { answered: false; problem: string };
}

export interface ConformanceResult {
  verdicts: Verdict[];
  /** Why the session ended early; absent where every step was taken. */
  stopped?: string | undefined;
  /** Mastercard's ids of cards that may still be enrolled. */
  left: string[];
}

/** The session cannot go on: a sentence with what to do. */
class Stopped extends Error {}

/**
 * Speaks with Mastercard once, in the way of a batch, and compares every answer with what an `EnrollmentApi` assumes:
 * asks for a batch that does not exist, sends a request that is incomplete, enrolls the test cards as one batch, sends
 * it again, asks until it is done, and removes what was enrolled.
 */
export async function runConformance(options: ConformanceOptions): Promise<ConformanceResult> {
  const session = new Session(options);
  let stopped: string | undefined;
  try {
    await session.run();
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    stopped = error.message;
  }
  return { verdicts: session.verdicts.list(), stopped, left: session.left };
}

class Session {
  readonly verdicts = new Verdicts();
  /** `srcDigitalCardId` of what is enrolled; or the ids of batches of which it is unknown. */
  left: string[] = [];
  private flowId: string | undefined;

  constructor(private readonly options: ConformanceOptions) {}

  async run(): Promise<void> {
    const { api, records } = this.options;
    await this.agree({
      title: 'Ask for the status of a batch that does not exist',
      effect: 'It changes nothing. The answer shows whether keys, ids and address are right.',
    });
    await this.askUnknownBatch();

    await this.agree({
      title: 'Send a batch without enrollmentData',
      effect: 'Mastercard must refuse it. The answer shows how it says what is wrong.',
    });
    await this.sendIncomplete();

    const cards = records.reduce((sum, record) => sum + record.cards.length, 0);
    await this.agree({
      title: `Enroll ${cards} test card${cards === 1 ? '' : 's'} as one batch, and send it twice`,
      effect: 'The cards are in Click to Pay afterwards, until the last step removes them.',
    });
    const enrollmentData = await this.options.encrypt(api.enrollmentData.plaintext(records));
    const batch = await this.enroll(enrollmentData);
    this.left = [`all cards of batchId ${batch.batchId}`];
    const second = await this.enrollAgain(batch, enrollmentData);

    await this.agree({
      title: 'Ask for the status of the batch until it is done',
      effect: 'It changes nothing.',
    });
    const reported = await this.poll(batch.batchId);
    this.judgeCards(reported);
    // Its cards are enrolled later, perhaps after those of the first were removed.
    if (second !== undefined) await this.poll(second);

    await this.agree({
      title: 'Remove every card that was enrolled, one of them twice, then the profiles',
      effect: 'Nothing of the test stays in Click to Pay.',
    });
    await this.removeAll(reported);
  }

  private async agree(step: Step): Promise<void> {
    if (!(await this.options.confirm(step))) throw new Stopped(`not agreed to: ${step.title}`);
  }

  private async askUnknownBatch(): Promise<void> {
    const { api } = this.options;
    const answer = await this.send('fetchBatchStatus', (caller) => api.status.request(caller, randomUUID()));
    const error = this.judgeError(answer, 'statusPath', 'statusQuery');
    if (!error) return;
    const kind = api.errors.kindOf({ operation: 'fetchBatchStatus', httpStatus: answer.httpStatus, error });
    if (kind === 'notFound' && answer.httpStatus === 404)
      this.verdicts.confirm('unknownBatch', 'statusPath', 'statusQuery');
    else this.verdicts.contradict('unknownBatch', said(answer, error));
  }

  private async sendIncomplete(): Promise<void> {
    const { api } = this.options;
    const answer = await this.send('submitBatch', (caller) => {
      const externalBatchId = this.batchId(0);
      const { body, ...request } = api.enroll.request(caller, { externalBatchId, enrollmentData: OMITTED });
      return { ...request, ...(body && { body: without(body, OMITTED) }) };
    });
    if (answer.httpStatus < 300) {
      this.verdicts.contradict('invalidRequest', `it was accepted: ${answer.httpStatus}`);
      return;
    }
    const error = this.judgeError(answer, 'enrollPath', undefined);
    if (!error) return;
    this.verdicts.confirm('enrollPath');
    const named = (error.details ?? []).map(({ source }) => source ?? '').filter(Boolean);
    const other = named.find((source) => !this.isSent(source));
    if (other !== undefined) this.verdicts.contradict('enrollBody', `Mastercard misses ${other}`);
    else if (named.length > 0) this.verdicts.confirm('enrollBody');
    if (answer.httpStatus === 400) this.verdicts.confirm('invalidRequest');
    else this.verdicts.contradict('invalidRequest', said(answer, error));
  }

  /** Whether the body of a batch has a field of this name. */
  private isSent(field: string): boolean {
    const { api } = this.options;
    const { body } = api.enroll.request(this.who(randomUUID()), {
      externalBatchId: 'x',
      enrollmentData: 'x',
    });
    return body !== undefined && field in body;
  }

  /**
   * Under an id with all that ids may have, as of a second round; where that is refused, without the suffix of the
   * round, then with letters and digits only.
   */
  private async enroll(enrollmentData: string): Promise<{ batchId: string; externalBatchId: string }> {
    const { api } = this.options;
    const tries: { id: string; isWrong: AssumptionName | undefined }[] = [
      { id: api.batch.roundId(this.batchId(0), 2), isWrong: undefined },
      { id: this.batchId(0), isWrong: 'roundId' },
      { id: this.batchId(this.ids.length - 1), isWrong: 'externalBatchId' },
    ];
    for (const [n, { id, isWrong }] of tries.entries()) {
      const answer = await this.send('submitBatch', (caller) =>
        api.enroll.request(caller, { externalBatchId: id, enrollmentData }),
      );
      if (answer.httpStatus >= 200 && answer.httpStatus < 300) {
        if (isWrong) this.verdicts.contradict(isWrong, `${tries[n - 1]!.id} is refused, and ${id} accepted`);
        if (n === 0) this.verdicts.confirm('roundId');
        if (n <= 1) this.verdicts.confirm('externalBatchId');
        return this.accepted(answer, id);
      }
      const about = this.aboutEnroll(answer);
      if (!about.includes('externalBatchId')) {
        for (const name of about) this.verdicts.contradict(name, said(answer, readError(api, answer.body)));
        break;
      }
      if (n === tries.length - 1)
        this.verdicts.contradict('externalBatchId', said(answer, readError(api, answer.body)));
    }
    throw new Stopped('Mastercard does not accept the batch: mend what is contradicted, and run it again');
  }

  private aboutEnroll(answer: Answer): AssumptionName[] {
    const { api } = this.options;
    const error = this.judgeError(answer, 'enrollPath', undefined);
    if (!error) return [];
    const about = assumptionsAbout(api, error);
    if (about.length > 0) return about;
    return [this.verdicts.isConfirmed('enrollBody') ? 'nesting' : 'enrollBody'];
  }

  private accepted(answer: Answer, externalBatchId: string): { batchId: string; externalBatchId: string } {
    const { api } = this.options;
    this.verdicts.confirm('enrollPath', 'enrollBody');
    if (answer.httpStatus === api.enroll.acceptedStatus) this.verdicts.confirm('acceptedStatus');
    else this.verdicts.contradict('acceptedStatus', String(answer.httpStatus));
    const receipt = readWith(answer.body, (json) => api.enroll.read(json));
    const lost = `a batch was accepted as ${externalBatchId}, and its batchId cannot be read: ask Mastercard to remove its cards`;
    if (!receipt || (receipt.externalBatchId ?? externalBatchId) !== externalBatchId) {
      this.verdicts.contradict('enrollAnswer', `an answer with ${fieldsOf(answer)}`);
      this.left = [`all cards of externalBatchId ${externalBatchId}`];
      throw new Stopped(lost);
    }
    this.verdicts.confirm('enrollAnswer');
    if (!follows(receipt.batchId, api.batch.batchId)) {
      this.verdicts.contradict('batchId', receipt.batchId);
      this.left = [`all cards of externalBatchId ${externalBatchId}`];
      throw new Stopped(lost);
    }
    this.verdicts.confirm('batchId');
    return { batchId: receipt.batchId, externalBatchId };
  }

  /** @returns the batchId of a second batch, which Mastercard should not have made. */
  private async enrollAgain(
    batch: { batchId: string; externalBatchId: string },
    enrollmentData: string,
  ): Promise<string | undefined> {
    const { api } = this.options;
    const { batchId, externalBatchId } = batch;
    const answer = await this.send('submitBatch', (caller) =>
      api.enroll.request(caller, { externalBatchId, enrollmentData }),
    );
    if (answer.httpStatus < 300) {
      const second = readWith(answer.body, (json) => api.enroll.read(json));
      const which = second?.batchId === batchId ? 'the same batchId' : 'another batchId';
      this.verdicts.contradict('duplicate', `${answer.httpStatus}, with ${which}`);
      return second?.batchId === batchId ? undefined : second?.batchId;
    }
    const error = this.judgeError(answer, 'enrollPath', undefined);
    if (!error) return undefined;
    const kind = api.errors.kindOf({ operation: 'submitBatch', httpStatus: answer.httpStatus, error });
    if (kind === 'duplicate' && answer.httpStatus === 409) this.verdicts.confirm('duplicate');
    else this.verdicts.contradict('duplicate', said(answer, error));
    if (kind !== 'duplicate') return undefined;
    if (error.batchId === batchId) this.verdicts.confirm('duplicateBatchId');
    else
      this.verdicts.contradict(
        'duplicateBatchId',
        error.batchId === undefined ? 'no batchId' : 'another batchId',
      );
    return undefined;
  }

  private async poll(batchId: string): Promise<ReportedCard[]> {
    const { api, pollEvery, pollFor } = this.options;
    const until = Date.now() + pollFor;
    const unknown = new Set<string>();
    let seen = 0;
    for (;;) {
      const answer = await this.send('fetchBatchStatus', (caller) => api.status.request(caller, batchId));
      if (answer.httpStatus < 300) {
        const report = readReport(api, answer.body);
        if (!report || report.batchId !== batchId) {
          // One that was readable before has no records yet: so it is they that cannot be read.
          this.verdicts.contradict(
            seen > 0 ? 'cardIds' : 'statusAnswer',
            `an answer with ${fieldsOf(answer)}`,
          );
          throw new Stopped('the status of the batch cannot be read');
        }
        seen += 1;
        this.verdicts.confirm('statusPath', 'statusQuery', 'statusAnswer');
        const { state, batchStatus } = report;
        if (state === 'inProgress') this.verdicts.confirm('inProgress');
        else if (state === 'unknown') unknown.add(batchStatus);
        else {
          this.verdicts.confirm('terminal');
          for (const word of unknown) this.verdicts.contradict('inProgress', word);
          return report.cards;
        }
      } else {
        const error = this.judgeError(answer, 'statusPath', 'statusQuery');
        if (!error) throw new Stopped('the status of the batch cannot be asked for');
      }
      if (Date.now() + pollEvery > until) break;
      await sleep(pollEvery);
    }
    for (const word of unknown)
      this.verdicts.contradict(this.verdicts.isConfirmed('inProgress') ? 'terminal' : 'inProgress', word);
    throw new Stopped('the batch is not done in the time given: run it again with a longer --for');
  }

  private judgeCards(reported: readonly ReportedCard[]): void {
    const { records } = this.options;
    const { outcomes } = reconcile(cardKeysOf(records), reported, 1);
    this.left = outcomes
      .filter(({ status }) => status === 'ENROLLED')
      .map(({ srcDigitalCardId, externalCardId }) => srcDigitalCardId ?? `externalCardId ${externalCardId}`);
    for (const card of reported) {
      const { result, rawStatus, srcConsumerId, srcDigitalCardId, reason } = card;
      const isDeclined = reason !== undefined || (card.details ?? []).length > 0;
      if (result === 'enrolled') {
        this.verdicts.confirm('cardIds', 'succeeded', 'contentEncryption', 'nesting', 'externalIds');
        this.verdicts.confirm('consumer', 'locale', 'card');
        if (srcConsumerId !== undefined || srcDigitalCardId !== undefined) this.verdicts.confirm('srcIds');
        else
          this.verdicts.contradict('srcIds', 'an enrolled card without srcConsumerId and srcDigitalCardId');
      } else if (result === 'failed') {
        this.verdicts.confirm('cardIds', 'failed');
        if (isDeclined) this.verdicts.confirm('declineReason');
        else this.verdicts.contradict('declineReason', 'a declined card without a reason');
      } else this.verdicts.contradict(isDeclined ? 'failed' : 'succeeded', rawStatus);
    }
    const sent = records.flatMap(({ cards }) => cards);
    if (this.verdicts.isConfirmed('card') && sent.some(({ billingAddress }) => billingAddress))
      this.verdicts.confirm('billingAddress');
    if (reported.length === 0) this.verdicts.contradict('cardIds', 'a batch that is done, without records');
  }

  private async removeAll(reported: readonly ReportedCard[]): Promise<void> {
    const { api } = this.options;
    const cards = [
      ...new Set(
        reported.flatMap(({ result, srcDigitalCardId: id }) =>
          result === 'enrolled' && id !== undefined ? [id] : [],
        ),
      ),
    ];
    const remove = (srcDigitalCardId: string) =>
      this.send('deleteCard', (caller) => api.removal.card(caller, { srcDigitalCardId, reason: 'other' }));
    for (const id of cards) {
      const answer = await remove(id);
      if (this.removed(answer, 'cardPath', 'cardQuery')) this.left = this.left.filter((left) => left !== id);
      else if (answer.httpStatus >= 300)
        throw new Stopped('a card cannot be removed: ask Mastercard to remove it');
    }
    if (cards.length > 0) this.judgeAbsent(await remove(cards[0]!));
    const consumers = [
      ...new Set(
        reported.flatMap(({ result, srcConsumerId: id }) =>
          result === 'enrolled' && id !== undefined ? [id] : [],
        ),
      ),
    ];
    for (const srcConsumerId of consumers) {
      const answer = await this.send('deleteProfile', (caller) =>
        api.removal.profile(caller, { srcConsumerId }),
      );
      if (!this.removed(answer, 'profilePath', 'profileQuery')) return;
    }
  }

  private judgeAbsent(answer: Answer): void {
    const { api } = this.options;
    if (answer.httpStatus < 300) return this.verdicts.contradict('absent', `${answer.httpStatus} once more`);
    const error = this.judgeError(answer, 'cardPath', 'cardQuery');
    if (!error) return;
    const kind = api.errors.kindOf({ operation: 'deleteCard', httpStatus: answer.httpStatus, error });
    if (kind === 'notFound') this.verdicts.confirm('absent');
    else this.verdicts.contradict('absent', said(answer, error));
  }

  private removed(answer: Answer, path: AssumptionName, query: AssumptionName): boolean {
    const { api } = this.options;
    if (answer.httpStatus >= 300) {
      const error = this.judgeError(answer, path, query);
      if (error && !this.verdicts.isContradicted(query)) this.verdicts.contradict(query, said(answer, error));
      return false;
    }
    this.verdicts.confirm(path, query);
    if (readWith(answer.body, (json) => api.removal.isDone(json))) this.verdicts.confirm('removed');
    else this.verdicts.contradict('removed', `${answer.httpStatus} with ${fieldsOf(answer)}`);
    return true;
  }

  /**
   * Judges what every error shows: whether the path is right, whether it can be read, and its words.
   * @param request what is contradicted by an error about a field of the query.
   * @returns the error, if it is one of the service that can be read, and not about the query.
   */
  private judgeError(
    answer: Answer,
    path: AssumptionName,
    request: AssumptionName | undefined,
  ): ErrorAnswer | undefined {
    const { api } = this.options;
    const { httpStatus } = answer;
    const error = readError(api, answer.body);
    if (httpStatus === 401 || httpStatus === 403)
      throw new Stopped(
        `Mastercard refuses the caller (${said(answer, error)}): check consumerKey, signingKey, srcClientId and ` +
          'serviceId of the program with: c2p doctor',
      );
    if (httpStatus === 404 && (error.gateway || answer.body === undefined)) {
      this.verdicts.contradict(path, said(answer, error));
      return undefined;
    }
    if (error.gateway || httpStatus === 429 || httpStatus >= 500)
      throw new Stopped(`Mastercard does not answer now (${said(answer, error)}): run it again later`);
    if (error.reason === undefined) {
      this.verdicts.contradict('errorShape', `${httpStatus} with ${fieldsOf(answer)}`);
      return undefined;
    }
    this.verdicts.confirm('errorShape');
    const words = [error.reason, ...(error.details ?? []).map(({ reason }) => reason)];
    const strange = words.find((word) => word !== undefined && !api.errors.reasons.has(word));
    if (strange === undefined) this.verdicts.confirm('reasons');
    else this.verdicts.contradict('reasons', strange);
    const sources = (error.details ?? []).map(({ source }) => source ?? '').filter(Boolean);
    if (httpStatus === 400 && request !== undefined && sources.length > 0) {
      this.verdicts.contradict(request, said(answer, error));
      return undefined;
    }
    return error;
  }

  private async send(operation: GatewayOperation, make: (caller: Caller) => ApiRequest): Promise<Answer> {
    const { api, caller, onExchange } = this.options;
    const correlationId = randomUUID();
    const request = make(this.who(correlationId));
    const answer = await caller.send({ operation, correlationId, flowId: this.flowId, request });
    onExchange({ request, answer });
    if (!answer.answered)
      throw new Stopped(`no answer (${answer.problem}): check baseUrl and the network with: c2p doctor`);
    const { flowId, correlationIds } = api.headers;
    this.flowId = flowIdOf(api, answer) ?? this.flowId;
    if (answer.header(flowId) !== undefined) {
      if (flowIdOf(api, answer) === undefined) this.verdicts.contradict('flowId', 'a value of another form');
      else this.verdicts.confirm('flowId');
    }
    if (correlationIds.some((name) => answer.header(name) !== undefined))
      this.verdicts.confirm('correlationId');
    return answer;
  }

  private who(correlationId: string): Caller {
    const { srcClientId, serviceId } = this.options;
    return { srcClientId, serviceId, correlationId };
  }

  /** From one with every kind of character on to one with letters and digits only. */
  private readonly ids = (() => {
    const stamp = `${Date.now()}${randomUUID().slice(0, 4)}`.replace(/\d{6}(?=\d)/g, '$&x');
    return [`c2p_test:${stamp}.A-b`, `c2p-test-${stamp}`, `C2PTEST${stamp.toUpperCase()}`];
  })();

  /** The n-th of them that the API allows. */
  private batchId(n: number): string {
    const { externalBatchId } = this.options.api.batch;
    const allowed = this.ids.filter((id) => follows(id, externalBatchId));
    const id = allowed[Math.min(n, allowed.length - 1)];
    if (id === undefined)
      throw new Stopped('batch.externalBatchId of the API module allows no id of letters and digits');
    return id;
  }
}

/** Stands for the field that is left out. */
const OMITTED = 'omitted';

function without(body: object, value: string): object {
  return Object.fromEntries(Object.entries(body).filter(([, one]) => one !== value));
}

function said({ httpStatus }: Answer, { reason, message, details = [] }: ErrorAnswer): string {
  const about = details.map((one) => [one.source, one.reason, one.message].filter(Boolean).join(' '));
  return [httpStatus, reason, ...(about.length > 0 ? about : [message])].filter(Boolean).join(' ');
}

/** The names of the fields of an answer, never a value. */
function fieldsOf({ body }: Answer): string {
  const names = readWith(body, (json) =>
    typeof json === 'object' && json !== null ? Object.keys(json) : undefined,
  );
  if (!names) return 'no JSON';
  return names.length === 0 ? 'no fields' : `the fields ${names.slice(0, 20).join(', ')}`;
}
