/**
 * When zod is to look at a length: it does so even after another type was found, and a JSON object may have a `length`
 * that throws when it is compared. For the parameters of `min` and `max`.
 */
export const hasLength = {
  when: ({ value }: { value: unknown }): boolean => typeof value === 'string' || Array.isArray(value),
};
