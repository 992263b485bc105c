import { z } from 'zod';
import { WIRE, type Payload, type Wire } from '../../simulator/wire.js';

/** What `examples/my-api.ts` expects of Mastercard: nothing of it is as the built-in API module has it. */

const caller = { clientId: z.uuid(), service: z.string(), traceId: z.uuid() };

const callerOf = ({
  clientId,
  service,
  traceId,
}: {
  clientId: string;
  service: string;
  traceId: string;
}) => ({
  srcClientId: clientId,
  serviceId: service,
  srcCorrelationId: traceId,
});

const id = z.string().regex(/^[A-Za-z0-9-]{1,40}$/);

const payload = z
  .strictObject({
    consumers: z.array(
      z.strictObject({
        consumerIdentity: z.strictObject({
          identityType: z.literal('EMAIL_ADDRESS'),
          identityValue: z.string().includes('@'),
        }),
        consumerReference: id,
        phone: z.string().regex(/^\+\d+$/),
        name: z.strictObject({ first: z.string(), last: z.string() }),
        locale: z.string().regex(/^[a-z]{2}_[A-Z]{2}$/),
        consents: z.looseObject({}).optional(),
        paymentCards: z.array(
          z.strictObject({
            cardReference: id,
            number: z.string().regex(/^\d{16,20}$/),
            expiry: z.string().regex(/^\d\d\/\d\d$/),
            address: z.looseObject({}).optional(),
          }),
        ),
      }),
    ),
  })
  .transform(({ consumers }): Payload => ({
    enrollments: consumers.map(({ consumerReference, paymentCards }) => ({
      externalConsumerId: consumerReference,
      cards: paymentCards.map(({ cardReference, number, expiry }) => ({
        externalCardId: cardReference,
        primaryAccountNumber: number,
        panExpirationMonth: expiry.slice(0, 2),
        panExpirationYear: `20${expiry.slice(3)}`,
      })),
    })),
  }));

type Fields = Record<string, unknown>;

const STATES: Fields = {
  IN_PROGRESS: 'RUNNING',
  COMPLETED_SUCCESSFULLY: 'DONE',
  COMPLETED_WITH_ERRORS: 'DONE_WITH_FAULTS',
  FAILED: 'BROKEN',
};

export const MY_WIRE: Wire = {
  ...WIRE,
  basePath: '/partner/v2',
  paths: {
    enroll: '/enrolment-batches',
    status: '/enrolment-batches/:id/progress',
    card: '/digital-cards/:id',
    profile: '/consumers',
  },
  requests: {
    enroll: z
      .strictObject({ ...caller, name: z.string().regex(/^[A-Za-z0-9-]{1,50}$/), payload: z.string() })
      .transform(({ name, payload: enrollmentData, ...who }) => ({
        ...callerOf(who),
        externalBatchId: name,
        enrollmentData,
      })),
    status: z.strictObject(caller).transform(callerOf),
    card: z.strictObject({ ...caller, why: z.enum(['FRAUD', 'NO_LONGER_WANTED']) }).transform(callerOf),
    profile: z
      .strictObject({ ...caller, profile: z.string() })
      .transform(({ profile, ...who }) => ({ ...callerOf(who), srcConsumerId: profile })),
    payload,
  },
  mostCards: 100,
  encryptions: ['A256GCM'],
  statuses: { ...WIRE.statuses, accepted: 201 },
  words: {
    INVALID_ARGUMENT: 'BAD_REQUEST',
    NOT_FOUND: 'NO_SUCH_THING',
    ALREADY_EXISTS: 'BATCH_EXISTS',
    INVALID_STATE: 'CARDS_LEFT',
    PERMISSION_DENIED: 'NOT_ALLOWED',
    RESOURCE_EXHAUSTED: 'TOO_FAST',
    NO_RESPONSE_FROM_ISSUER: 'ISSUER_SILENT',
  },
  answers: {
    receipt: (own) => {
      const { batchId, externalBatchId } = own as Fields;
      return { batch: { reference: batchId, name: externalBatchId } };
    },
    status: (own) => {
      const { batchId, externalBatchId, batchStatus, records } = own as Fields;
      const state = STATES[batchStatus as string] ?? batchStatus;
      return { batch: { reference: batchId, name: externalBatchId, state }, results: records };
    },
    card: (own) => {
      const { externalConsumerId, externalCardId, status, srcConsumerId, srcDigitalCardId, error } =
        own as Fields;
      return {
        consumerReference: externalConsumerId,
        cardReference: externalCardId,
        result: status === 'SUCCESS' ? 'ADDED' : 'NOT_ADDED',
        profile: srcConsumerId,
        digitalCard: srcDigitalCardId,
        ...(error as object | undefined),
      };
    },
    error: (own) => {
      const { reason, message, errordetail, details, batchId, externalBatchId } = own as Fields;
      const faults = ((errordetail ?? details ?? []) as Fields[]).map((detail) => ({
        word: detail['reason'],
        field: detail['source'],
        text: detail['message'],
      }));
      const batch = batchId === undefined ? {} : { batch: { reference: batchId, name: externalBatchId } };
      return { fault: { word: reason, text: message, faults }, ...batch };
    },
    removed: (own) => ({ traceId: (own as Fields)['srcCorrelationId'] }),
  },
  headers: { flowId: 'x-site', correlationId: 'x-trace' },
};
