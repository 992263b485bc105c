/**
 * An API module of an issuer's own, which has everything otherwise than the built-in one: paths, nesting, ids, words,
 * errors, removals. Compile it to an ES module and name that in the configuration: `"api": "my-api.mjs"`.
 */
import {
  batchEnroll,
  kindOfFailure,
  pathSegment,
  type Caller,
  type EnrollmentApi,
  type EnrollmentRecord,
  type ErrorAnswer,
  type ErrorDetail,
} from 'c2p/api';

type Json = Record<string, unknown>;

const asObject = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {};
const asText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const asList = (value: unknown): Json[] => (Array.isArray(value) ? value.map(asObject) : []);

const client = ({ srcClientId, serviceId, correlationId }: Caller) => ({
  clientId: srcClientId,
  service: serviceId,
  traceId: correlationId,
});

/** The consumer is known by an identity, the locale is one text, the expiry another. */
const consumerOf = ({ externalConsumerId, consumer, cards }: EnrollmentRecord) => ({
  consumerIdentity: { identityType: 'EMAIL_ADDRESS', identityValue: consumer.emailAddress },
  consumerReference: externalConsumerId,
  phone: `+${consumer.mobileNumber.countryCode}${consumer.mobileNumber.phoneNumber}`,
  name: { first: consumer.firstName, last: consumer.lastName },
  locale: `${consumer.locale.language}_${consumer.locale.country}`,
  consents: consumer.complianceSettings,
  paymentCards: cards.map((card) => ({
    cardReference: card.externalCardId,
    number: card.primaryAccountNumber,
    expiry: `${card.panExpirationMonth}/${card.panExpirationYear.slice(2)}`,
    address: card.billingAddress,
  })),
});

const readError = (body: unknown): ErrorAnswer | undefined => {
  const { fault, batch } = asObject(body);
  if (fault === undefined) return batchEnroll.errors.read(body);
  const { word, text, faults } = asObject(fault);
  return {
    reason: asText(word),
    message: asText(text),
    details: asList(faults).map((one): ErrorDetail => ({
      reason: asText(one['word']),
      source: asText(one['field']),
      message: asText(one['text']),
    })),
    batchId: asText(asObject(batch)['reference']),
    externalBatchId: asText(asObject(batch)['name']),
  };
};

const myApi: EnrollmentApi = {
  ...batchEnroll,
  name: 'my-api',
  records: {
    ...batchEnroll.records,
    externalId: {
      pattern: /^[A-Za-z0-9-]+$/,
      longest: 40,
      problem: 'must be 1 to 40 letters, digits and -',
    },
  },
  batch: {
    ...batchEnroll.batch,
    externalBatchId: {
      pattern: /^[A-Za-z0-9-]+$/,
      longest: 50,
      problem: 'must be 1 to 50 letters, digits and -',
    },
    roundId: (externalBatchId, round) => (round === 1 ? externalBatchId : `${externalBatchId}-R${round}`),
    maxCards: 100,
  },
  enrollmentData: {
    plaintext: (records) => ({ consumers: records.map(consumerOf) }),
    contentEncryption: 'A256GCM',
  },
  enroll: {
    request: (caller, { externalBatchId, enrollmentData }) => ({
      method: 'POST',
      path: '/enrolment-batches',
      body: { ...client(caller), name: externalBatchId, payload: enrollmentData },
    }),
    acceptedStatus: 201,
    read: (body) => {
      const { reference, name } = asObject(asObject(body)['batch']);
      const batchId = asText(reference);
      return batchId === undefined ? undefined : { batchId, externalBatchId: asText(name) };
    },
  },
  status: {
    request: (caller, batchId) => ({
      method: 'GET',
      path: `/enrolment-batches/${pathSegment(batchId)}/progress`,
      query: client(caller),
    }),
    read: (body) => {
      const { batch, results } = asObject(body);
      const { reference, name, state } = asObject(batch);
      const [batchId, externalBatchId, batchStatus] = [asText(reference), asText(name), asText(state)];
      if (batchId === undefined || externalBatchId === undefined || batchStatus === undefined)
        return undefined;
      const records = asList(results).map((one) => ({
        externalConsumerId: asText(one['consumerReference']) ?? '',
        externalCardId: asText(one['cardReference']) ?? '',
        status: asText(one['result']) ?? '',
        srcConsumerId: asText(one['profile']),
        srcDigitalCardId: asText(one['digitalCard']),
        error: readError(one),
      }));
      return { batchId, externalBatchId, batchStatus, records };
    },
    states: new Map([
      ['RUNNING', 'inProgress'],
      ['DONE', 'completed'],
      ['DONE_WITH_FAULTS', 'completedWithErrors'],
      ['BROKEN', 'failed'],
    ]),
    results: new Map([
      ['ADDED', 'enrolled'],
      ['NOT_ADDED', 'failed'],
    ]),
  },
  removal: {
    card: (caller, { srcDigitalCardId, reason }) => ({
      method: 'DELETE',
      path: `/digital-cards/${pathSegment(srcDigitalCardId)}`,
      query: { ...client(caller), why: reason === 'suspectedFraud' ? 'FRAUD' : 'NO_LONGER_WANTED' },
    }),
    profile: (caller, { srcConsumerId }) => ({
      method: 'DELETE',
      path: '/consumers',
      query: { ...client(caller), profile: srcConsumerId },
    }),
    isDone: (body) => asText(asObject(body)['traceId']) !== undefined,
    srcId: batchEnroll.removal.srcId,
    isInUse: ({ reason }) => reason === 'CARDS_LEFT',
  },
  errors: {
    read: readError,
    reasons: new Set([
      ...batchEnroll.errors.reasons,
      ...['BAD_REQUEST', 'NO_SUCH_THING', 'BATCH_EXISTS', 'CARDS_LEFT', 'NOT_ALLOWED', 'ISSUER_SILENT'],
    ]),
    throttling: new Set(['TOO_FAST']),
    passing: new Set(['ISSUER_SILENT']),
    kindOf: (call) =>
      kindOfFailure(call, {
        kindOfReason: new Map([
          ['TOO_FAST', 'notAccepted'],
          ['NOT_ALLOWED', 'configuration'],
        ]),
        isDuplicate: ({ reason }) => reason === 'BATCH_EXISTS',
        isCallerRefused: ({ details = [] }) => details.some(({ source }) => source === 'clientId'),
      }),
  },
  headers: { ...batchEnroll.headers, flowId: 'x-site', correlationIds: ['x-trace'] },
  assumptions: {
    ...batchEnroll.assumptions,
    enrollPath: {
      sure: 'S',
      place: 'enroll.request',
      says: 'A batch is submitted with POST /enrolment-batches',
    },
    enrollBody: {
      sure: 'S',
      place: 'enroll.request',
      says: 'Its body has clientId, service, traceId, name and payload',
    },
    roundId: { sure: 'S', place: 'batch.roundId', says: 'A second round has -R2 behind its name' },
    nesting: {
      sure: 'S',
      place: 'enrollmentData.plaintext',
      says: 'Its plaintext is {consumers: [...]}',
      fields: /^consumers$/,
    },
    locale: {
      sure: 'S',
      place: 'enrollmentData.plaintext',
      says: 'A locale is as en_US',
      fields: /\.locale$/,
    },
    inProgress: { sure: 'S', place: 'status.states', says: 'A batch that is being processed is RUNNING' },
  },
};

export default myApi;
