import { parseShallow } from '../protection/json-depth.js';
import { maskForeign } from '../protection/mask.js';
import { knownReason } from './contract.js';

/** One thing that Mastercard finds wrong. */
export interface FailureDetail {
  /** A detail reason or a gateway's `ReasonCode`. */
  reason: string;
  /** Where: the field or the system that Mastercard names. */
  source?: string | undefined;
  message?: string | undefined;
}

/** What the body of an error answer says, whichever of its shapes it has; all of it may be missing. */
export interface ErrorBody {
  /** Whether it is the API gateway that speaks, before the service has seen the request. */
  gateway: boolean;
  /** Whether the gateway says that a retry can help; false when it does not say so of every error. */
  recoverable: boolean;
  reason?: string | undefined;
  details: FailureDetail[];
  /** As sent: the batch that exists, in the answer to a duplicate. */
  batchId?: string | undefined;
  externalBatchId?: string | undefined;
}

/** More than this many details say nothing new, and failures are kept in histories. */
const MAX_DETAILS = 20;
/** Of a list. An answer that names more errors is none of Mastercard's, and to look at all would hold others up. */
const MAX_LISTED = 1_000;
const MAX_TEXT = 200;
/** Text beyond this cannot get into the first `MAX_TEXT` characters: not worth masking. */
const MAX_MASKED = 2_000;

/**
 * Makes free text of Mastercard fit to be kept: white space and control characters become single
 * spaces, anything that looks like a card number, a phone number or an e-mail address is masked, and 200
 * characters remain. A name has no look: it stays, where Mastercard wrote it into a sentence.
 */
export function cleanText(text: string): string {
  const flat = text
    .slice(0, MAX_MASKED)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  // Masking keeps the length, so that what is beyond the limit cannot move up.
  return maskForeign(flat).slice(0, MAX_TEXT);
}

/** Codes, and places in a request (`cards[0].primaryAccountNumber`), are one word; a value that stands there is none. */
const CODE = /^[A-Z][\w.:-]*$/i;
const PLACE = /^[A-Z$/][\w.:$/[\]-]*$/i;

/**
 * Reads the body of an error answer: both shapes of gateway errors and the service error. Never
 * throws: what is not there, is no JSON or has another type is left out.
 * @param text the body; undefined when it could not be read.
 */
export function readErrorBody(text: string | undefined): ErrorBody {
  const body = parseObject(text);
  if (!body) return { gateway: false, recoverable: false, details: [] };
  return body.Errors ? readGatewayErrors(body.Errors) : readServiceError(body);
}

/** `{Error: [e]}`, `{Error: e}`, `[{Error: e}]` and what else can be made of these. */
function readGatewayErrors(errors: unknown): ErrorBody {
  const found = objects(objects(errors).flatMap((item) => list(item.Error)));
  return {
    gateway: true,
    recoverable: found.length > 0 && found.every((error) => isTrue(error.Recoverable)),
    reason: code(found[0]?.ReasonCode),
    details: found.slice(0, MAX_DETAILS).map((error) => ({
      reason: code(error.ReasonCode) ?? UNSPECIFIED,
      source: place(error.Source),
      message: cleaned(error.Description) ?? cleaned(error.Details),
    })),
  };
}

/** Reads a service error (S), which is also what a declined record carries. */
export function readServiceError(body: JsonObject): ErrorBody {
  const reason = code(body.reason);
  const details = readServiceDetails(body);
  const message = cleaned(body.message);
  return {
    gateway: false,
    recoverable: false,
    reason,
    details:
      details.length === 0 && message !== undefined ? [{ reason: reason ?? UNSPECIFIED, message }] : details,
    batchId: string(body.batchId),
    externalBatchId: string(body.externalBatchId),
  };
}

function readServiceDetails(error: JsonObject): FailureDetail[] {
  return objects(error.errordetail ?? error.details)
    .slice(0, MAX_DETAILS)
    .map((detail) => ({
      reason: code(detail.reason) ?? UNSPECIFIED,
      source: place(detail.source),
      message: cleaned(detail.message),
    }));
}

/** Stands for a reason that is not there, or is no code. */
export const UNSPECIFIED = 'UNSPECIFIED';

type JsonObject = Record<string, unknown>;

function parseObject(text: string | undefined): JsonObject | undefined {
  try {
    return object(parseShallow(text ?? ''));
  } catch {
    return undefined;
  }
}

function object(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

function objects(value: unknown): JsonObject[] {
  return list(value)
    .map(object)
    .filter((item) => item !== undefined);
}

function list(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.slice(0, MAX_LISTED);
  return value === undefined || value === null ? [] : [value];
}

function isTrue(value: unknown): boolean {
  return value === true || string(value)?.toLowerCase() === 'true';
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function cleaned(value: unknown): string | undefined {
  return typeof value === 'string' ? cleanText(value) || undefined : undefined;
}

function code(value: unknown): string | undefined {
  const word = wordOf(value, CODE);
  return word === undefined ? undefined : knownReason(word);
}

function place(value: unknown): string | undefined {
  return wordOf(value, PLACE);
}

function wordOf(value: unknown, pattern: RegExp): string | undefined {
  const text = cleaned(value);
  return text !== undefined && pattern.test(text) ? text : undefined;
}
