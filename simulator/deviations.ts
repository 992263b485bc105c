import { z } from 'zod';
import type { SimulatorSettings } from './types.js';
import { BatchWord, CardWord, WIRE, type Payload, type Wire } from './wire.js';

/** One thing that Mastercard may have otherwise than the contract says. */
export interface Deviation {
  /** One sentence, about the simulator. */
  says: string;
  wire?: Partial<Wire>;
  settings?: Partial<SimulatorSettings>;
}

/** Fields under other names; null leaves one out. */
function renamed(names: Readonly<Record<string, string | null>>) {
  return (own: object): object =>
    Object.fromEntries(
      Object.entries(own).flatMap(([name, value]) => {
        const other = name in names ? names[name]! : name;
        return other === null ? [] : [[other, value as unknown]];
      }),
    );
}

/** A query or body with a field under another name. */
function withField<T>(schema: z.ZodType<T>, name: string, other: string): z.ZodType<T> {
  const renamedBack = z
    .looseObject({ [other]: z.string().min(1) })
    .transform(({ [other]: value, ...fields }) => ({ ...fields, [name]: value }));
  return renamedBack.pipe(schema as never);
}

/** A plaintext of which only a part is looked at, which must be as `part` says. */
function payloadWith(part: z.ZodType): z.ZodType<Payload> {
  return part as unknown as z.ZodType<Payload>;
}

const { paths, requests, statuses, answers } = WIRE;
const anything = z.looseObject({});
const consumer = (fields: z.ZodType) =>
  payloadWith(z.looseObject({ enrollments: z.array(z.looseObject({ consumer: fields })) }));
const card = (fields: z.ZodType) =>
  payloadWith(z.looseObject({ enrollments: z.array(z.looseObject({ cards: z.array(fields) })) }));
const at = (changed: Partial<Wire['paths']>) => ({ wire: { paths: { ...paths, ...changed } } });
const asking = (changed: Partial<Wire['requests']>) => ({ wire: { requests: { ...requests, ...changed } } });
const status = (changed: Partial<Wire['statuses']>) => ({ wire: { statuses: { ...statuses, ...changed } } });
const answering = (changed: Partial<Wire['answers']>) => ({ wire: { answers: { ...answers, ...changed } } });
const saying = (words: Wire['words']) => ({ wire: { words } });
const batchIds = (pattern: RegExp) =>
  requests.enroll.refine(({ externalBatchId }) => pattern.test(externalBatchId), {
    path: ['externalBatchId'],
  });

/** By the name of what `c2p conformance` then contradicts, and a number where there are several. */
export const DEVIATIONS = {
  enrollPath: {
    says: 'A batch is submitted with POST /batch/enrollments',
    ...at({ enroll: '/batch/enrollments' }),
  },
  statusPath: { says: 'A status is at GET /batches/{batchId}', ...at({ status: '/batches/:id' }) },
  cardPath: {
    says: 'A card is removed with DELETE /digitalCards/{id}',
    ...at({ card: '/digitalCards/:id' }),
  },
  profilePath: { says: 'A profile is removed with DELETE /consumers', ...at({ profile: '/consumers' }) },
  enrollBody: {
    says: 'A batch is encrypted into the field encryptedData',
    ...asking({ enroll: withField(requests.enroll, 'enrollmentData', 'encryptedData') }),
  },
  externalBatchId: {
    says: 'An externalBatchId has letters and digits only',
    ...asking({ enroll: batchIds(/^[A-Za-z0-9]+$/) }),
  },
  roundId: { says: 'An externalBatchId has no ~', ...asking({ enroll: batchIds(/^[^~]+$/) }) },
  maxCards: { says: 'A request has one card', wire: { mostCards: 1 } },
  contentEncryption: { says: 'A JWE has A256GCM', wire: { encryptions: ['A256GCM'] } },
  nesting: {
    says: 'The plaintext is {consumers: [...]}',
    ...asking({ payload: payloadWith(z.looseObject({ consumers: z.array(anything) })) }),
  },
  externalIds: {
    says: 'An externalCardId has digits only',
    ...asking({ payload: card(z.looseObject({ externalCardId: z.string().regex(/^\d+$/) })) }),
  },
  consumer: {
    says: 'A consumer has a consumerIdentity',
    ...asking({ payload: consumer(z.looseObject({ consumerIdentity: anything })) }),
  },
  locale: {
    says: 'A locale is a text',
    ...asking({ payload: consumer(z.looseObject({ locale: z.string() })) }),
  },
  card: {
    says: 'A card has an expiryDate',
    ...asking({ payload: card(z.looseObject({ expiryDate: z.string() })) }),
  },
  billingAddress: {
    says: 'A billingAddress must be there, with a postalCode',
    ...asking({
      payload: card(z.looseObject({ billingAddress: z.looseObject({ postalCode: z.string() }) })),
    }),
  },
  acceptedStatus: { says: 'An accepted batch is answered with 201', ...status({ accepted: 201 }) },
  enrollAnswer: { says: 'The batchId is named id', ...answering({ receipt: renamed({ batchId: 'id' }) }) },
  batchId: {
    says: 'A batchId has a blank in it',
    ...answering({ receipt: (own) => ({ ...own, batchId: 'batch 1' }) }),
  },
  statusQuery: {
    says: 'The query of a status has a clientId',
    ...asking({ status: withField(requests.status, 'srcClientId', 'clientId') }),
  },
  statusAnswer: {
    says: 'The batchStatus is named status',
    ...answering({ status: renamed({ batchStatus: 'status' }) }),
  },
  inProgress: { says: 'A batch is PROCESSING', ...saying({ [BatchWord.inProgress]: 'PROCESSING' }) },
  terminal: {
    says: 'A batch that is done is DONE',
    ...saying({ [BatchWord.completed]: 'DONE', [BatchWord.completedWithErrors]: 'DONE' }),
  },
  cardIds: {
    says: 'The externalCardId is named cardId',
    ...answering({ card: renamed({ externalCardId: 'cardId' }) }),
  },
  succeeded: { says: 'An enrolled card is ENROLLED', ...saying({ [CardWord.success]: 'ENROLLED' }) },
  failed: { says: 'A declined card is DECLINED', ...saying({ [CardWord.failed]: 'DECLINED' }) },
  srcIds: {
    says: 'An enrolled card has no ids',
    ...answering({ card: renamed({ srcConsumerId: null, srcDigitalCardId: null }) }),
  },
  declineReason: {
    says: 'The error of a declined card is named failure',
    ...answering({ card: renamed({ error: 'failure' }) }),
  },
  unknownBatch: { says: 'An unknown batchId is answered with 400', ...status({ unknownBatch: 400 }) },
  duplicate: { says: 'A duplicate is answered with 400', ...status({ duplicate: 400 }) },
  duplicate2: {
    says: 'A duplicate is accepted as another batch',
    settings: { duplicates: 'acceptedAgain' },
  },
  duplicateBatchId: {
    says: 'The answer to a duplicate has no batchId',
    settings: { duplicates: 'withoutBatchId' },
  },
  invalidRequest: { says: 'An invalid request is answered with 422', ...status({ invalid: 422 }) },
  errorShape: {
    says: 'The reason of an error is named errorCode',
    ...answering({ error: renamed({ reason: 'errorCode', status: null }) }),
  },
  reasons: { says: 'What is not there is UNKNOWN_ID', ...saying({ NOT_FOUND: 'UNKNOWN_ID' }) },
  cardQuery: {
    says: 'The query of a removal has a removalReason',
    ...asking({ card: withField(requests.card, 'reason', 'removalReason') }),
  },
  removed: {
    says: 'The answer to a removal is empty',
    ...answering({ removed: renamed({ srcCorrelationId: null }) }),
  },
  absent: { says: 'A card that is not there is answered with 410', ...status({ absent: 410 }) },
  profileQuery: {
    says: 'The query of a profile has a consumerId',
    ...asking({ profile: withField(requests.profile, 'srcConsumerId', 'consumerId') }),
  },
} as const satisfies Record<string, Deviation>;

export type DeviationName = keyof typeof DEVIATIONS;

/** Options of a simulator that deviates in one thing. */
export function deviating(name: DeviationName): { wire: Wire } & Partial<SimulatorSettings> {
  const { wire, settings }: Deviation = DEVIATIONS[name];
  return { wire: { ...WIRE, ...wire }, ...settings };
}
