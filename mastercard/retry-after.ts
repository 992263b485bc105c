const MAX_DELAY_MS = 24 * 60 * 60 * 1_000;

/**
 * Reads a `Retry-After` header (RFC 9110, section 10.2.3): seconds or an HTTP date.
 * @param now milliseconds since the epoch, what a date is compared with.
 * @returns milliseconds to wait: 0 for a date that is past, at most 24 hours; undefined for anything else.
 */
export function parseRetryAfter(value: string | undefined, now: number = Date.now()): number | undefined {
  const text = value?.trim() ?? '';
  const delay = /^\d+$/.test(text)
    ? Number(text) * 1_000
    : /^[A-Z][a-z]+, .* GMT$/.test(text)
      ? Date.parse(text) - now
      : NaN;
  return Number.isNaN(delay) ? undefined : Math.min(Math.max(delay, 0), MAX_DELAY_MS);
}
