import { defaultPayloadConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { describe, expect, it } from 'vitest';
import type { GatewayActivities, LocalActivities } from '../../../activities/index.js';
import type { BatchMemo } from '../../../client/enrollment-batch.js';
import type { BulkMemo } from '../../../client/bulk-enrollment.js';
import type { BatchResult } from '../../../enrollment/batch.js';
import type { BulkResult, ClosedBatchReport } from '../../../enrollment/bulk.js';
import { RECORD_SHAPE } from '../../../enrollment/record-shape.js';
import type { EnrollmentRecord } from '../../../enrollment/records.js';
import { isKnownName, type FIELDS } from '../../../protection/codec-server/harmless.js';
import { maskPayload } from '../../../protection/codec-server/personal-data.js';
import { payloadsOf } from '../../../protection/payloads-of.js';
import type { BatchInput } from '../../../workflows/batch/input.js';
import type * as batch from '../../../workflows/batch/messages.js';
import type { JobInput } from '../../../workflows/bulk/input.js';
import type * as bulk from '../../../workflows/bulk/messages.js';
import type { Message } from '../../../workflows/message.js';
import { readHistory, recordedNames } from '../../scenarios/recorded-histories.js';

/** What c2p hands to Temporal. */
type Written =
  | BatchInput
  | JobInput
  | BatchMemo
  | BulkMemo
  | BatchResult
  | BulkResult
  | batch.BatchProgress
  | bulk.BulkProgress
  | Message<
      | batch.SubmissionResolution
      | batch.RemovalDecision
      | batch.DeadlineDecision
      | bulk.BulkChange
      | ClosedBatchReport
    >
  | Handled<LocalActivities>
  | Handled<GatewayActivities>;

type Handled<Activities> = {
  [Name in keyof Activities]: Activities[Name] extends (input: infer Input) => Promise<infer Result>
    ? Input | Result
    : never;
}[keyof Activities];

/** `name: type` of a value's fields, however deep. */
type FieldsIn<Value, Depth extends unknown[] = []> = Depth['length'] extends 9
  ? never
  : Value extends readonly (infer Element)[]
    ? FieldsIn<Element, [...Depth, 0]>
    : Value extends object
      ? {
          [Name in keyof Value]-?:
            | (Name extends string ? `${Name}: ${TypeOf<Value[Name]>}` : never)
            | FieldsIn<Value[Name], [...Depth, 0]>;
        }[keyof Value]
      : never;

type TypeOf<Value> = Value extends string
  ? 'text'
  : Value extends number
    ? 'number'
    : Value extends boolean
      ? 'boolean'
      : Value extends readonly (infer Element)[]
        ? TypeOf<Element>
        : Value extends object
          ? 'object'
          : never;

type Words<Text extends string, Found extends string = never> = Text extends `${infer Word} ${infer Others}`
  ? Words<Others, Found | Word>
  : Found | Text;
type Unqualified<Word extends string> = Word extends `${string}.${infer Name}` ? Name : Word;
type Named<Of extends keyof typeof FIELDS> = Unqualified<Words<(typeof FIELDS)[Of][number]>>;
type Decided =
  | `${Named<'word' | 'text' | 'address'>}: text`
  | `${Named<'count' | 'time' | 'share'>}: number`
  | `${Named<'flag'>}: boolean`
  | `${Named<'object' | 'byPosition'>}: object`;
/** Masked, and meant to be. */
type OfRecord = FieldsIn<EnrollmentRecord> | 'records: object' | 'inline: object';

/** A type error here names the fields of c2p's payloads that harmless.ts does not know. */
const UNDECIDED: Record<Exclude<FieldsIn<Written>, Decided | OfRecord>, never> = {};

describe('what the codec server takes for harmless', () => {
  it('is every field that c2p writes into a payload, but for records', () => {
    expect(UNDECIDED).toEqual({});
  });

  it('knows the name of every field of a record', () => {
    expect(namesIn(RECORD_SHAPE).filter((name) => !isKnownName(name))).toEqual([]);
  });

  it('shows every payload of the recorded histories without a mask, but for inline records', async () => {
    const masks = new Map<string, string>();
    let payloads = 0;
    for (const name of await recordedNames())
      for (const payload of payloadsOf(historyFromJSON(await readHistory(name)))) {
        payloads += 1;
        if (Buffer.from(payload.metadata!['encoding']!).toString() !== 'json/plain') continue;
        const shown: unknown = defaultPayloadConverter.fromPayload(maskPayload(payload));
        for (const path of masksIn(shown, ''))
          if (!/records(\.inline)?\[\]/.test(path)) masks.set(path, name);
      }
    expect(payloads).toBeGreaterThan(1_000);
    expect(masks).toEqual(new Map());
  });
});

function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return Object.entries(value).flatMap(([name, inner]) => [name, ...namesIn(inner)]);
}

/** The paths of what is masked. */
function masksIn(value: unknown, path: string): string[] {
  if (typeof value === 'string') return value.includes('[masked') ? [path] : [];
  if (Array.isArray(value)) return value.flatMap((inner) => masksIn(inner, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(name.startsWith('[masked') ? [`${path}.${name}`] : []),
    ...masksIn(inner, `${path}.${name}`),
  ]);
}
