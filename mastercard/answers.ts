import { z } from 'zod';
import { parseShallow } from '../protection/json-depth.js';
import {
  BATCH_ID_PATTERN,
  type DeleteResponse,
  type EnrollResponse,
  type StatusResponse,
} from './contract.js';

/**
 * The shapes of successful answers. Unknown fields are ignored, as Mastercard asks; optional ones that
 * are null or of another type are taken as absent, so that one of them cannot hide a whole answer.
 */

const optionalString = z.string().optional().catch(undefined);
const batchId = z.string().regex(BATCH_ID_PATTERN);

const EnrollAnswer = z.object({
  batchId,
  externalBatchId: optionalString,
});

const ErrorDetail = z.object({
  reason: optionalString,
  source: optionalString,
  sourceType: optionalString,
  message: optionalString,
});

const RecordError = z.object({
  status: z.number().optional().catch(undefined),
  reason: optionalString,
  message: optionalString,
  errordetail: z.array(ErrorDetail).nullish().catch(undefined),
  details: z.array(ErrorDetail).nullish().catch(undefined),
});

const Record = z.object({
  externalConsumerId: z.string(),
  externalCardId: z.string(),
  status: z.string(),
  srcConsumerId: optionalString,
  srcDigitalCardId: optionalString,
  error: RecordError.optional().catch(undefined),
});

/** Up to the first that is none: what is wrong with each of a million would take long, and more memory. */
function readRecords(records: readonly unknown[], context: z.RefinementCtx): z.infer<typeof Record>[] {
  const read: z.infer<typeof Record>[] = [];
  for (const record of records) {
    const { data } = Record.safeParse(record);
    if (!data) {
      context.addIssue('must be records');
      return z.NEVER;
    }
    read.push(data);
  }
  return read;
}

const StatusAnswer = z.object({
  batchId,
  externalBatchId: z.string(),
  batchStatus: z.string(),
  records: z
    .array(z.unknown())
    .nullish()
    .transform((records, context) => readRecords(records ?? [], context)),
});

const DeleteAnswer = z.object({ srcCorrelationId: z.string() });

/** @returns undefined when the body is not the contract's JSON. */
export function readEnrollAnswer(
  body: string | undefined,
): (Pick<EnrollResponse, 'batchId'> & Partial<EnrollResponse>) | undefined {
  return read(EnrollAnswer, body);
}

/** @returns undefined when the body is not the contract's JSON. */
export function readStatusAnswer(body: string | undefined): Required<StatusResponse> | undefined {
  return read(StatusAnswer, body);
}

/** @returns undefined when the body is not the contract's JSON. */
export function readDeleteAnswer(body: string | undefined): DeleteResponse | undefined {
  return read(DeleteAnswer, body);
}

function read<T>(schema: z.ZodType<T>, body: string | undefined): T | undefined {
  try {
    return schema.safeParse(parseShallow(body ?? '')).data;
  } catch {
    return undefined;
  }
}
