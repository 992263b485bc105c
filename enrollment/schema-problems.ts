import { z } from 'zod';

/** One thing that is wrong in a configuration or policy: where and what. Never repeats what it found there. */
export interface Problem {
  /** Names from the outside in, with dots: `polling.initial`. Empty for the whole. */
  path: string;
  message: string;
}

/**
 * An object that may have these fields and no others. zod's own message repeats the unknown names; this
 * one says which are allowed, since anything may be in the place of a name, a card number too.
 */
export function strictObject<Shape extends z.ZodRawShape>(shape: Shape) {
  const allowed = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const count = issue.keys.length === 1 ? 'a field' : `${issue.keys.length} fields`;
      return `has ${count} that c2p does not know; it may have: ${allowed}`;
    },
  });
}

/**
 * Checks a value and says everything that is wrong with it.
 * @param pathOf writes a path down; for schemas with names in a path that may not be shown.
 */
export function check<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  pathOf = (path: readonly PropertyKey[]) => path.map(String).join('.'),
): { ok: true; value: Output } | { ok: false; problems: Problem[] } {
  const result = schema.safeParse(value, {
    error: ({ code, input }) => (code === 'invalid_type' && input === undefined ? 'is missing' : undefined),
  });
  if (result.success) return { ok: true, value: result.data };
  return {
    ok: false,
    problems: result.error.issues.map(({ path, message }) => ({ path: pathOf(path), message })),
  };
}
