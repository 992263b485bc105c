import { z } from 'zod';

/*
 * What the simulator has on the wire: its own reading of the contract, kept apart from the module that it checks, so
 * that a mistake there is seen here. `deviations.ts` has what Mastercard may have instead.
 */

/** Everything that an issuer's program could be wrong about. */
export interface Wire {
  /** Where the API is, below the simulator's origin. */
  basePath: string;
  /** Below `basePath`; `:id` is Mastercard's id of a batch or card. */
  paths: Record<'enroll' | 'status' | 'card' | 'profile', string>;
  requests: {
    enroll: z.ZodType<EnrollOrder>;
    status: z.ZodType<Caller>;
    card: z.ZodType<Caller>;
    profile: z.ZodType<Caller & { srcConsumerId: string }>;
    payload: z.ZodType<Payload>;
  };
  /** Cards in one request. */
  mostCards: number;
  /** `enc` of a JWE. */
  encryptions: readonly string[];
  /** HTTP statuses; any other is as the error has it. */
  statuses: Record<'accepted' | 'removed' | 'duplicate' | 'unknownBatch' | 'absent' | 'invalid', number>;
  /** What stands in the place of a status or reason of the simulator's own, by that. */
  words: Readonly<Record<string, string>>;
  /** The bodies of answers, made of the simulator's own. */
  answers: Record<'receipt' | 'status' | 'card' | 'error' | 'removed', (own: object) => object>;
  headers: Record<'flowId' | 'correlationId', string>;
}

/** Who calls. */
export interface Caller {
  srcClientId: string;
  serviceId: string;
  srcCorrelationId: string;
}

export interface EnrollOrder extends Caller {
  externalBatchId: string;
  enrollmentData: string;
}

/** What the simulator looks at in the plaintext of `enrollmentData`. */
export interface Payload {
  enrollments: {
    externalConsumerId: string;
    cards: {
      externalCardId: string;
      primaryAccountNumber: string;
      panExpirationMonth: string;
      panExpirationYear: string;
    }[];
  }[];
}

/** A status answer, before `Wire.answers.status`. */
export interface BatchAnswer {
  batchId: string;
  externalBatchId: string;
  batchStatus: string;
  records?: CardAnswer[];
}

/** What stands in it about one card, before `Wire.answers.card`. */
export interface CardAnswer {
  externalConsumerId: string;
  externalCardId: string;
  status: string;
  srcConsumerId?: string;
  srcDigitalCardId?: string;
  error?: ServiceError;
}

/** A service error, before `Wire.answers.error`. */
export interface ServiceError {
  status?: number;
  reason?: string;
  message?: string;
  errordetail?: ServiceErrorDetail[] | null;
  details?: ServiceErrorDetail[] | null;
}

export interface ServiceErrorDetail {
  reason?: string;
  source?: string;
  sourceType?: string;
  message?: string;
}

/** The simulator's own words for how a batch and a card are. */
export const BatchWord = {
  inProgress: 'IN_PROGRESS',
  completed: 'COMPLETED_SUCCESSFULLY',
  completedWithErrors: 'COMPLETED_WITH_ERRORS',
  failed: 'FAILED',
} as const;
export const CardWord = { success: 'SUCCESS', failed: 'FAILED' } as const;

const externalId = z.string().regex(/^[A-Za-z0-9._:-]{1,64}$/);
/** Rounds after the first are sent under the batch's own id with `~2`, `~3`, … behind it. */
const externalBatchId = z.string().regex(/^[A-Za-z0-9._:-]{1,64}(~[1-9]\d*)?$/);
const caller = {
  srcClientId: z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  serviceId: z.string().regex(/^[\w#-]{0,255}$/),
};

const enrollRequest = z.strictObject({
  ...caller,
  srcCorrelationId: z.uuid(),
  externalBatchId,
  enrollmentData: z.string().min(1),
});
const statusQuery = z.object({ ...caller, srcCorrelationId: z.uuid() });
const deleteCardQuery = z.object({
  ...caller,
  srcCorrelationId: z.uuid(),
  reason: z.enum(['SUSPECTED_FRAUD', 'ACCOUNT_CLOSED', 'OTHER', 'DEFAULT']),
  requestor: z.enum(['CARDHOLDER', 'MERCHANT', 'ISSUER', 'WALLET']),
});
const deleteProfileQuery = z.object({
  ...caller,
  srcConsumerId: z.string().min(1),
  srcCorrelationId: z.uuid(),
});

const acceptedDocument = z.strictObject({
  acceptedVersion: z.string().min(1),
  latestVersion: z.string().optional(),
  latestVersionUri: z.string().optional(),
});
const consumer = z.strictObject({
  emailAddress: z
    .string()
    .max(255)
    .regex(/^[^\s@]+@[^\s@]+$/),
  mobileNumber: z.strictObject({
    countryCode: z.string().regex(/^[1-9]\d{0,2}$/),
    phoneNumber: z.string().regex(/^\d{4,14}$/),
  }),
  firstName: z.string().min(1).max(30),
  lastName: z.string().min(1).max(30),
  locale: z.strictObject({
    country: z.string().regex(/^[A-Z]{2}$/),
    language: z.string().regex(/^[a-z]{2}$/),
  }),
  complianceSettings: z
    .strictObject({
      privacy: acceptedDocument.optional(),
      tnc: acceptedDocument.optional(),
      cookie: acceptedDocument.optional(),
      geoLocation: acceptedDocument.optional(),
      communications: z
        .strictObject({
          communicationsOptIn: z.boolean().optional(),
          affiliateCommunicationsOptIn: z.boolean().optional(),
          allowEmail: z.boolean().optional(),
          allowText: z.boolean().optional(),
          allowCall: z.boolean().optional(),
          allowPush: z.boolean().optional(),
        })
        .optional(),
    })
    .optional(),
});
const card = z.strictObject({
  externalCardId: externalId,
  primaryAccountNumber: z
    .string()
    .regex(/^\d{16,20}$/)
    .refine(hasCheckDigit),
  panExpirationMonth: z.string().regex(/^(0[1-9]|1[0-2])$/),
  panExpirationYear: z.string().regex(/^\d{4}$/),
  billingAddress: z
    .strictObject({
      name: z.string().max(60).optional(),
      line1: z.string().max(75).optional(),
      line2: z.string().max(75).optional(),
      line3: z.string().max(75).optional(),
      city: z.string().max(50).optional(),
      state: z.string().max(30).optional(),
      countryCode: z
        .string()
        .regex(/^[A-Z]{2}$/)
        .optional(),
      zip: z.string().max(16).optional(),
    })
    .optional(),
});
const payload = z.strictObject({
  enrollments: z
    .array(z.strictObject({ externalConsumerId: externalId, consumer, cards: z.array(card).min(1) }))
    .min(1),
});

/** ISO/IEC 7812-1, annex B. */
function hasCheckDigit(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, position) => {
    const value = Number(digit) * (position % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

const same = (own: object): object => own;

/** As the contract has it. */
export const WIRE: Wire = {
  basePath: '/src/api/digital/payments',
  paths: { enroll: '/cards/batch', status: '/cards/batch/:id', card: '/cards/:id', profile: '/profiles' },
  requests: {
    enroll: enrollRequest,
    status: statusQuery,
    card: deleteCardQuery,
    profile: deleteProfileQuery,
    payload,
  },
  mostCards: 250,
  encryptions: ['A128GCM', 'A256GCM'],
  statuses: { accepted: 202, removed: 200, duplicate: 409, unknownBatch: 404, absent: 404, invalid: 400 },
  words: {},
  answers: { receipt: same, status: same, card: same, error: same, removed: same },
  headers: { flowId: 'x-src-cx-flow-id', correlationId: 'correlation-id' },
};
