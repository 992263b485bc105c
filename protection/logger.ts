import { pino } from 'pino';
import type { DestinationStream, Level, Logger } from 'pino';
import pretty from 'pino-pretty';
import { errorText, isError } from './error-text.js';
import { maskBeginning, maskPans, maskPersonal } from './mask.js';
import { printable } from './printable.js';

export interface LoggerOptions {
  /** The least important level that is written; `silent` writes nothing. */
  level: Level | 'silent';
  /** Of the process: `worker`, `simulator`, … */
  name: string;
  /** Where the JSON lines go; standard error by default, made readable if that is a terminal. */
  destination?: DestinationStream | undefined;
}

/**
 * Fields whose value never reaches a log, however deep they are: cardholder data by its names in the
 * API, and secrets by the names that libraries give them. Compared without regard to case.
 */
export const REDACTED_FIELDS: ReadonlySet<string> = new Set(
  [
    'emailAddress',
    'mobileNumber',
    'phoneNumber',
    'firstName',
    'lastName',
    'primaryAccountNumber',
    'panExpirationMonth',
    'panExpirationYear',
    'billingAddress',
    'enrollmentData',
    'authorization',
    'cookie',
    'password',
    'passphrase',
    'privateKey',
    'apiKey',
  ].map((name) => name.toLowerCase()),
);

/** Who did what: the name of an operator may be an e-mail address, and an audit needs it. */
const OPERATOR_FIELDS: ReadonlySet<string> = new Set(['who', 'by', 'identity']);

const REDACTED = '[redacted]';

/**
 * A logger that no card number, e-mail address or international phone number gets through: every finished line, with whatever message, bindings and
 * stacks it has, passes `maskLogLine`. Of an error (`err`, `error`) it has what `errorText` tells. Times are ISO 8601 because milliseconds since
 * 1970 are 13 digits, which a card number may have.
 */
export function createLogger({ level, name, destination = standardError() }: LoggerOptions): Logger {
  return pino(
    {
      level,
      name,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: shownError, error: shownError },
    },
    { write: (line: string) => destination.write(maskLogLine(line)) },
  );
}

function shownError(error: unknown): unknown {
  return isError(error) ? errorText(error) : error;
}

/** Synchronous, so that the last words of a dying process are not lost. */
function standardError(): DestinationStream {
  return process.stderr.isTTY
    ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname' })
    : pino.destination({ dest: 2, sync: true });
}

/**
 * Masks one line of JSON: every name and value (`maskPersonal`), wherever they are, the value of each of
 * `REDACTED_FIELDS`, and bytes, which could be anything; and makes every text `printable`. What it returns is a line of JSON again; a text that is none is masked as text.
 */
export function maskLogLine(line: string): string {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return shownText(line);
  }
  return JSON.stringify(maskValue(entry)) + '\n';
}

/** A reader may take the JSON apart and show it on a terminal. */
function shownText(text: string, mask = maskPersonal): string {
  return printable(maskBeginning(text, mask));
}

function maskValue(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return shownText(value, OPERATOR_FIELDS.has(name) ? maskPans : maskPersonal);
  if (typeof value === 'number') {
    const digits = JSON.stringify(value);
    const masked = maskPersonal(digits);
    return masked === digits ? value : masked;
  }
  if (Array.isArray(value)) return value.map((inner) => maskValue(inner));
  if (value === null || typeof value !== 'object') return value;
  if (isBytes(value)) return REDACTED;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      shownText(name),
      REDACTED_FIELDS.has(name.toLowerCase()) ? REDACTED : maskValue(inner, name),
    ]),
  );
}

/** What JSON makes of a Buffer, or of another array of bytes. */
function isBytes(value: object): boolean {
  if ('type' in value && value.type === 'Buffer' && 'data' in value) return true;
  const entries = Object.entries(value);
  return (
    entries.length > 0 &&
    entries.every(([name, byte], index) => name === `${index}` && Number.isInteger(byte))
  );
}
