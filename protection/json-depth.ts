/** Many times what a record or an answer has; `JSON.stringify` calls itself for each level, and overflows the stack at some thousands. */
export const MAX_DEPTH = 100;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** `JSON.parse` of what others wrote. @throws for what is no JSON, and for lists and objects in one another on more levels than `MAX_DEPTH`. */
export function parseShallow(json: string): unknown {
  if (isDeeper(json, MAX_DEPTH)) throw new SyntaxError('too many brackets in one another');
  return JSON.parse(json);
}

/**
 * Whether lists and objects stand in one another on more than so many levels. Looks at the text, before it is parsed:
 * to parse a megabyte of brackets takes longer than others may be kept waiting.
 */
export function isDeeper(json: string, levels: number): boolean {
  let depth = 0;
  let isInText = false;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) isInText = !isInText;
    else if (isInText) at += code === BACKSLASH ? 1 : 0;
    else if (OPENING.has(code)) {
      depth += 1;
      if (depth > levels) return true;
    } else if (CLOSING.has(code)) depth -= 1;
  }
  return false;
}
