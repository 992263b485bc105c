import { z } from 'zod';
import type { Payload } from '@temporalio/common';

/** More than the Web UI ever sends at once: it asks event by event. */
const MAX_PAYLOADS = 1_000;
const MAX_METADATA = 100;
const MAX_BASE64 = 8 * 1024 * 1024;

const bytes = z
  .base64()
  .refine((text) => text.length <= MAX_BASE64)
  .transform((text): Uint8Array => Buffer.from(text, 'base64'));

/** Counted before they are looked at: what is wrong with each of a million would take long, and more memory. */
const fewNames = z
  .custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
  .refine((value) => Object.keys(value).length <= MAX_METADATA);

const body = z.object({
  payloads: z
    .array(z.unknown())
    .refine((payloads) => payloads.length <= MAX_PAYLOADS)
    .pipe(
      z.array(
        z.object({
          metadata: fewNames.pipe(z.record(z.string().max(100), bytes)).nullish(),
          data: bytes.nullish(),
        }),
      ),
    ),
});

/**
 * Reads the body of a codec request: `temporal.api.common.v1.Payloads` as protobuf's JSON, in which bytes
 * are base64. What else a payload has is left out, as it says nothing that a codec needs.
 * @returns nothing for a body that is none.
 */
export function parsePayloads(json: unknown): Payload[] | undefined {
  const result = body.safeParse(json);
  if (!result.success) return undefined;
  return result.data.payloads.map(({ metadata, data }) => ({
    metadata: metadata ?? {},
    data: data ?? new Uint8Array(),
  }));
}

/** The body of a codec answer, in the same form. */
export function formatPayloads(payloads: readonly Payload[]): {
  payloads: Array<{ metadata: Record<string, string>; data: string }>;
} {
  return {
    payloads: payloads.map(({ metadata, data }) => ({
      metadata: Object.fromEntries(
        Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)]),
      ),
      data: base64(data ?? new Uint8Array()),
    })),
  };
}

function base64(value: Uint8Array): string {
  return Buffer.from(value).toString('base64');
}
