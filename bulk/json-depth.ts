/** Many times what a record has; `JSON.stringify` calls itself for each level, and overflows the stack at some thousands. */
export const MAX_DEPTH = 100;

/** Whether lists and objects stand in one another on more than so many levels. */
export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
