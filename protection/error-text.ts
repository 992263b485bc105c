import { maskBeginning } from './mask.js';

/** What may be shown of an error of any library: nothing else of it leaves the process. */
export interface ErrorText {
  /** Its name, for instance `TypeError`. */
  type: string;
  /** `ENOENT`, `BATCH_INVALID`, … */
  code?: string | undefined;
  /** Its message and those of its causes. */
  message: string;
  /** Where it and its causes were raised, each after its name and message. */
  stack: string;
}

/** So many causes, or frames of a stack, tell what there is to tell. */
const MOST = 20;

/** How a message of `JSON.parse` ends that quotes what it read, which masking can only search. */
const NO_JSON = ' is not valid JSON';

/**
 * The text of an error: names, codes, messages and stack frames, masked (`maskPersonal`), without what else
 * libraries hang on errors (request bodies, output of programs). Never throws, whatever is thrown at it:
 * causes in a circle, getters that throw, values that are no errors.
 */
export function errorText(error: unknown): ErrorText {
  const all = withCauses(error);
  const code = textOf(error, 'code');
  return {
    type: nameOf(error),
    ...(code === undefined ? {} : { code: maskBeginning(code) }),
    message: all
      .map(messageOf)
      .filter((message) => message !== '')
      .join(': '),
    stack: all.map((one) => [`${nameOf(one)}: ${messageOf(one)}`, ...framesOf(one)].join('\n')).join('\n'),
  };
}

/** An error that tells as much as the text of this one, cause by cause, and is of no other class. */
export function maskedError(error: unknown): Error {
  return withCauses(error).reduceRight<Error>((cause, one) => {
    const message = messageOf(one);
    const masked = new Error(message, cause === NO_CAUSE ? {} : { cause });
    masked.name = nameOf(one);
    masked.stack = [`${masked.name}: ${message}`, ...framesOf(one)].join('\n');
    return masked;
  }, NO_CAUSE);
}

const NO_CAUSE = new Error();

/** The error, its causes and what it gathers, each once. */
function withCauses(error: unknown): unknown[] {
  const found = new Set<unknown>();
  const next = [error];
  while (next.length > 0 && found.size < MOST) {
    const one = next.shift();
    if (found.has(one)) continue;
    found.add(one);
    const [cause, errors] = [propertyOf(one, 'cause'), propertyOf(one, 'errors')];
    next.push(...[cause, ...firstOf(errors)].filter(isError));
  }
  return [...found];
}

export function isError(value: unknown): value is Error {
  return attempt(() => value instanceof Error) ?? false;
}

function nameOf(error: unknown): string {
  return maskBeginning(textOf(error, 'name') ?? 'Error');
}

function messageOf(error: unknown): string {
  const text = textOf(error, 'message') ?? (isObject(error) ? undefined : attempt(() => String(error)));
  return maskBeginning(withoutQuotedJson(text ?? ''));
}

/** Without what stands between the first quote and the last one that such an end follows. */
function withoutQuotedJson(text: string): string {
  const start = text.indexOf('"');
  if (start === -1) return text;
  for (let end = text.lastIndexOf(NO_JSON); end > start; end = text.lastIndexOf(NO_JSON, end - 1)) {
    const isQuoted = ['"', '"...'].some((last) => end - last.length > start && text.endsWith(last, end));
    if (isQuoted)
      return `${text.slice(0, text.endsWith('...', start) ? start - 3 : start)}[its input]${text.slice(end)}`;
  }
  return text;
}

function framesOf(error: unknown): string[] {
  return (textOf(error, 'stack') ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, MOST)
    .map((frame) => maskBeginning(frame));
}

function textOf(value: unknown, name: string): string | undefined {
  const text = propertyOf(value, name);
  return typeof text === 'string' && text !== '' ? text : undefined;
}

function propertyOf(value: unknown, name: string): unknown {
  return isObject(value) ? attempt(() => (value as Record<string, unknown>)[name]) : undefined;
}

function firstOf(list: unknown): unknown[] {
  return attempt(() => (Array.isArray(list) ? (list.slice(0, MOST) as unknown[]) : [])) ?? [];
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function attempt<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
