import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { follows } from '../../enrollment/record-rules.js';
import { cardKey, type Outcome } from '../../enrollment/outcomes.js';
import { cardKeysOf, type EnrollmentRecord } from '../../enrollment/records.js';
import { reconcile, type ReportedCard } from '../../enrollment/reconciliation.js';
import type { AssumptionName } from '../api/assumptions.js';
import type { ApiRequest, Caller, EnrollmentApi } from '../api/enrollment-api.js';
import type { ErrorAnswer, GatewayOperation } from '../api/failures.js';
import { kindOf, readError, readReceipt, readReport, readWith } from '../reading.js';
import { flowIdOf, type Answer, type SignedCaller } from '../signed-call.js';
import { masked } from './masking.js';
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
  /** Ends the session early. */
  signal?: AbortSignal | undefined;
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
  /** Cards, profiles and batches that may still be enrolled, by Mastercard's ids where they are known. */
  left: string[];
}

/** The session cannot go on: a sentence with what to do. */
class Stopped extends Error {}

function whyStopped(error: unknown): string {
  if (error instanceof Stopped) return error.message;
  const { name, code } = error as { name?: string; code?: string };
  return `it failed (${code ?? name ?? 'unknown error'})`;
}

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
    // Whatever ended it: what may be enrolled by now has to be named.
    stopped = options.signal?.aborted ? 'it was interrupted' : whyStopped(error);
  }
  const mask = (text: string) => masked(text, options.records);
  return {
    verdicts: session.verdicts.list().map((one) => ({ ...one, ...(one.came && { came: mask(one.came) }) })),
    stopped: stopped === undefined ? undefined : mask(stopped),
    left: session.left.map(mask),
  };
}

class Session {
  readonly verdicts = new Verdicts();
  /** Batches of which it is unknown which cards are enrolled. */
  private batches: string[] = [];
  /** What is known to be enrolled, or may be. */
  private items: string[] = [];
  private flowId: string | undefined;

  constructor(private readonly options: ConformanceOptions) {}

  /** What may still be enrolled. */
  get left(): string[] {
    return [...this.batches, ...this.items];
  }

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
    this.batches = [allOf(batch.batchId)];
    const second = await this.enrollAgain(batch, enrollmentData);

    await this.agree({
      title: 'Ask for the status of the batch until it is done',
      effect: 'It changes nothing.',
    });
    const reported = await this.poll(batch.batchId);
    const enrolled = this.judgeCards(batch.batchId, reported);
    // Its cards are enrolled later, perhaps after those of the first were removed.
    if (second !== undefined) enrolled.push(...this.judgeCards(second, await this.poll(second)));

    await this.agree({
      title: 'Remove every card that was enrolled, one of them twice, then the profiles',
      effect: 'Nothing of the test stays in Click to Pay.',
    });
    await this.removeAll(enrolled);
  }

  private async agree(step: Step): Promise<void> {
    if (!(await this.options.confirm(step))) throw new Stopped(`not agreed to: ${step.title}`);
  }

  private async askUnknownBatch(): Promise<void> {
    const { api } = this.options;
    const answer = await this.send('fetchBatchStatus', (caller) => api.status.request(caller, randomUUID()));
    const error = this.judgeError('fetchBatchStatus', answer, 'statusPath', 'statusQuery');
    if (!error) return;
    const kind = kindOf(api, { operation: 'fetchBatchStatus', httpStatus: answer.httpStatus, error });
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
    const error = this.judgeError('submitBatch', answer, 'enrollPath', undefined);
    if (!error) return;
    this.verdicts.confirm('enrollPath');
    const named = (error.details ?? []).map(({ source }) => source ?? '').filter(Boolean);
    const other = named.find((source) => !this.isSent(source));
    if (other !== undefined)
      this.verdicts.contradict(
        'enrollBody',
        `Mastercard names the field ${other}, which the request does not have`,
      );
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
      // Until it is known that Mastercard did not take it.
      this.batches = [`all cards of externalBatchId ${id}`];
      const answer = await this.send('submitBatch', (caller) =>
        api.enroll.request(caller, { externalBatchId: id, enrollmentData }),
      );
      if (!this.mayBeAccepted(answer)) this.batches = [];
      if (answer.httpStatus >= 200 && answer.httpStatus < 300) {
        if (isWrong) this.verdicts.contradict(isWrong, `${tries[n - 1]!.id} is refused, and ${id} accepted`);
        if (n === 0) this.verdicts.confirm('roundId');
        if (n <= 1) this.verdicts.confirm('externalBatchId');
        return this.accepted(answer, id);
      }
      if (answer.httpStatus === 409)
        throw new Stopped(`Mastercard has a batch of the new externalBatchId ${id} already`);
      const about = this.aboutEnroll(answer);
      if (!about.includes('externalBatchId')) {
        for (const name of about) this.verdicts.contradict(name, said(answer, readError(api, answer.body)));
        break;
      }
      if (n === tries.length - 1)
        this.verdicts.contradict('externalBatchId', said(answer, readError(api, answer.body)));
    }
    throw new Stopped('Mastercard does not accept the batch: correct what is contradicted, and run it again');
  }

  private mayBeAccepted({ httpStatus, body }: Answer): boolean {
    const { api } = this.options;
    if (httpStatus >= 200 && httpStatus < 300) return true;
    const error = readError(api, body);
    const kind = kindOf(api, { operation: 'submitBatch', httpStatus, error });
    return kind === 'unknown' || kind === 'duplicate';
  }

  private aboutEnroll(answer: Answer): AssumptionName[] {
    const { api } = this.options;
    const error = this.judgeError('submitBatch', answer, 'enrollPath', undefined);
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
      throw new Stopped(lost);
    }
    this.verdicts.confirm('enrollAnswer');
    if (!follows(receipt.batchId, api.batch.batchId)) {
      this.verdicts.contradict('batchId', receipt.batchId);
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
      const second = readReceipt(api, answer.body);
      if (!second) this.batches.push(`all cards of another batch of externalBatchId ${externalBatchId}`);
      const which = second?.batchId === batchId ? 'the same batchId' : 'another batchId';
      this.verdicts.contradict('duplicate', `${answer.httpStatus}, with ${which}`);
      if (!second || second.batchId === batchId) return undefined;
      this.batches.push(allOf(second.batchId));
      return second.batchId;
    }
    const error = this.judgeError('submitBatch', answer, 'enrollPath', undefined);
    if (!error) return undefined;
    const kind = kindOf(api, { operation: 'submitBatch', httpStatus: answer.httpStatus, error });
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
        const error = this.judgeError('fetchBatchStatus', answer, 'statusPath', 'statusQuery');
        if (!error) throw new Stopped('the status of the batch cannot be asked for');
      }
      if (Date.now() + pollEvery > until) break;
      await sleep(pollEvery, undefined, { signal: this.options.signal });
    }
    for (const word of unknown)
      this.verdicts.contradict(this.verdicts.isConfirmed('inProgress') ? 'terminal' : 'inProgress', word);
    throw new Stopped('the batch is not done in the time given: run it again with a longer --for');
  }

  /**
   * Judges what is said of the cards that were sent, and of no others.
   * @returns what is enrolled.
   */
  private judgeCards(batchId: string, reported: readonly ReportedCard[]): Outcome[] {
    const { records } = this.options;
    const keys = cardKeysOf(records);
    const { outcomes, anomalies } = reconcile(keys, reported, 1);
    this.batches = this.batches.filter((one) => one !== allOf(batchId));
    for (const { status, srcDigitalCardId, externalCardId } of outcomes)
      if (status !== 'FAILED') this.items.push(srcDigitalCardId ?? `externalCardId ${externalCardId}`);
    if (anomalies.foreign > 0) this.verdicts.contradict('cardIds', 'a record of a card that was not sent');
    if (anomalies.missing > 0) this.verdicts.contradict('cardIds', 'no record of a card that was sent');
    const sent = new Set(keys.map(cardKey));
    for (const card of reported.filter((one) => sent.has(cardKey(one)))) this.judgeCard(card);
    if (
      this.verdicts.isConfirmed('card') &&
      records.some(({ cards }) => cards.some((card) => card.billingAddress))
    )
      this.verdicts.confirm('billingAddress');
    return outcomes.filter(({ status }) => status === 'ENROLLED');
  }

  private judgeCard({
    result,
    rawStatus,
    srcConsumerId,
    srcDigitalCardId,
    reason,
    details,
  }: ReportedCard): void {
    const isDeclined = reason !== undefined || (details ?? []).length > 0;
    if (result === 'enrolled') {
      this.verdicts.confirm('cardIds', 'succeeded', 'contentEncryption', 'nesting', 'externalIds');
      this.verdicts.confirm('consumer', 'locale', 'card');
      if (srcConsumerId !== undefined || srcDigitalCardId !== undefined) this.verdicts.confirm('srcIds');
      else this.verdicts.contradict('srcIds', 'an enrolled card without srcConsumerId and srcDigitalCardId');
    } else if (result === 'failed') {
      this.verdicts.confirm('cardIds', 'failed');
      if (isDeclined) this.verdicts.confirm('declineReason');
      else this.verdicts.contradict('declineReason', 'a declined card without a reason');
    } else this.verdicts.contradict(isDeclined ? 'failed' : 'succeeded', rawStatus);
  }

  private async removeAll(enrolled: readonly Outcome[]): Promise<void> {
    const { api } = this.options;
    const cards = distinct(enrolled.map(({ srcDigitalCardId }) => srcDigitalCardId));
    const remove = (srcDigitalCardId: string) =>
      this.send('deleteCard', (caller) => api.removal.card(caller, { srcDigitalCardId, reason: 'other' }));
    for (const id of cards) {
      const answer = await remove(id);
      if (this.removed('deleteCard', answer, 'cardPath', 'cardQuery'))
        this.items = this.items.filter((item) => item !== id);
      else if (answer.httpStatus >= 300)
        throw new Stopped('a card cannot be removed: ask Mastercard to remove it');
    }
    if (cards.length > 0) this.judgeAbsent(await remove(cards[0]!));
    const consumers = distinct(enrolled.map(({ srcConsumerId }) => srcConsumerId));
    for (const [n, srcConsumerId] of consumers.entries()) {
      const answer = await this.send('deleteProfile', (caller) =>
        api.removal.profile(caller, { srcConsumerId }),
      );
      if (this.removed('deleteProfile', answer, 'profilePath', 'profileQuery')) continue;
      this.items.push(...consumers.slice(n).map((id) => `the profile ${id}`));
      return;
    }
  }

  private judgeAbsent(answer: Answer): void {
    const { api } = this.options;
    if (answer.httpStatus < 300) return this.verdicts.contradict('absent', `${answer.httpStatus} once more`);
    const error = this.judgeError('deleteCard', answer, 'cardPath', 'cardQuery');
    if (!error) return;
    const kind = kindOf(api, { operation: 'deleteCard', httpStatus: answer.httpStatus, error });
    if (kind === 'notFound') this.verdicts.confirm('absent');
    else this.verdicts.contradict('absent', said(answer, error));
  }

  private removed(
    operation: GatewayOperation,
    answer: Answer,
    path: AssumptionName,
    query: AssumptionName,
  ): boolean {
    const { api } = this.options;
    if (answer.httpStatus >= 300) {
      const error = this.judgeError(operation, answer, path, query);
      if (error && !this.verdicts.isContradicted(query)) this.verdicts.contradict(query, said(answer, error));
      return false;
    }
    this.verdicts.confirm(path, query);
    const isDone =
      answer.httpStatus === 200 && readWith(answer.body, (json) => api.removal.isDone(json)) === true;
    if (isDone) this.verdicts.confirm('removed');
    else this.verdicts.contradict('removed', `${answer.httpStatus} with ${fieldsOf(answer)}`);
    return isDone;
  }

  /**
   * Judges what every error shows: whether the path is right, whether it can be read, and its words.
   * @param operation of which it is the answer.
   * @param request what is contradicted by an error about a field of the query.
   * @returns the error, if it is one of the service that can be read, and not about the query.
   */
  private judgeError(
    operation: GatewayOperation,
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
    if (httpStatus === 400 && kindOf(api, { operation, httpStatus, error }) === 'configuration')
      throw new Stopped(
        `Mastercard refuses the caller (${said(answer, error)}): correct srcClientId and serviceId of the program`,
      );
    if (error.gateway || httpStatus === 408 || httpStatus === 429 || httpStatus >= 500)
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
    const { flowId: site } = this;
    const { signal } = this.options;
    const answer = await caller.send({ operation, correlationId, flowId: site, request, signal });
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

function allOf(batchId: string): string {
  return `all cards of batchId ${batchId}`;
}

function distinct(ids: readonly (string | undefined)[]): string[] {
  return [...new Set(ids.filter((id) => id !== undefined))];
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
