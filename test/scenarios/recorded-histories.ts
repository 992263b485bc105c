import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { historyToJSON, type History } from '@temporalio/common/lib/proto-utils.js';
import type { Payload, PayloadCodec } from '@temporalio/common';
import type { BatchKey } from '../../enrollment/batch.js';
import { bulkWorkflowIdOf, type BulkKey } from '../../enrollment/bulk.js';
import { workflowIdOf } from '../../enrollment/identifiers.js';
import { payloadsOf } from '../../protection/payloads-of.js';

/** Where histories are: `<scenario>[-batch-1][-run-<n>].json`, a run each where the workflow was handed over. */
const FOLDER = new URL('../histories/', import.meta.url);

/** A history as it is written down. */
export interface RecordedHistory {
  events: {
    eventType: string;
    activityTaskScheduledEventAttributes?: ScheduledActivity;
    activityTaskCompletedEventAttributes?: CompletedActivity;
    [attributes: string]: unknown;
  }[];
}

export interface ScheduledActivity {
  activityType: { name: string };
  input: Payloads;
}

export interface CompletedActivity {
  result: Payloads;
}

export interface Payloads {
  /** Base64 of JSON. */
  payloads: { data: string }[];
}

export async function recordedNames(): Promise<string[]> {
  const files = await readdir(FOLDER);
  return files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
}

/** The workflow of whose runs a history is one. */
export function workflowOf(name: string): string {
  return name.replace(/-run-\d+$/, '');
}

export async function readHistory(name: string): Promise<RecordedHistory> {
  return JSON.parse(await readFile(fileOf(name), 'utf8')) as RecordedHistory;
}

/** The id of the workflow that a history is of; the time-skipping server does not write it down. */
export function workflowIdIn({ events }: RecordedHistory): string {
  const { input } = events[0]!['workflowExecutionStartedEventAttributes'] as { input?: Payloads };
  const [payload] = input?.payloads ?? [];
  if (!payload) return 'a sweep';
  const begun = JSON.parse(Buffer.from(payload.data, 'base64').toString()) as {
    continues?: { order: object };
  };
  const order = (begun.continues?.order ?? begun) as BatchKey | BulkKey;
  return 'bulkId' in order ? bulkWorkflowIdOf(order) : workflowIdOf(order);
}

/** All that can be read in a history, payloads included. */
export function textOf(history: RecordedHistory): string {
  return JSON.stringify(history, (field, value: unknown) =>
    field === 'data' || field === 'encoding' ? Buffer.from(String(value), 'base64').toString() : value,
  ).replaceAll('\\"', '"');
}

/**
 * Writes down the histories of a workflow in the place of those of before.
 * @param runs the last first.
 */
export async function recordHistories(
  workflow: string,
  runs: History[],
  codecs: PayloadCodec[],
): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  for (const name of await recordedNames()) if (workflowOf(name) === workflow) await rm(fileOf(name));
  for (const [index, history] of runs.reverse().entries()) {
    await decode(history, codecs);
    const name = runs.length > 1 ? `${workflow}-run-${index + 1}` : workflow;
    await writeFile(fileOf(name), written(history));
  }
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`${name}.json`, FOLDER));
}

/** A recorded history outlives the keys of the test that made it, and holds no records. */
async function decode(history: History, codecs: PayloadCodec[]): Promise<void> {
  for (const payload of payloadsOf(history)) {
    let plain: Payload = payload;
    for (const codec of codecs) [plain] = (await codec.decode([plain])) as [Payload];
    payload.metadata = plain.metadata;
    payload.data = withoutRecords(plain);
  }
}

/** Of what came with the input inline, a replay looks at the shape alone. */
function withoutRecords({ metadata, data }: Payload): Uint8Array | null | undefined {
  if (!data || Buffer.from(metadata?.['encoding'] ?? []).toString() !== 'json/plain') return data;
  const text = JSON.stringify(JSON.parse(Buffer.from(data).toString()), (field, value: unknown) => {
    if (field === 'cards' && isListOfObjects(value)) return [];
    return field === 'consumer' ? {} : value;
  });
  return Buffer.from(text);
}

function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && typeof value[0] === 'object';
}

/** Stack traces and identities name the machine, and take no part in a replay; nor do texts for the Web UI. */
const LEFT_OUT: ReadonlySet<string> = new Set(['stackTrace', 'identity', 'userMetadata', 'taskId']);

/** An event a line. */
function written(history: History): string {
  const { events } = JSON.parse(historyToJSON(history), (field, value: unknown) => {
    if (LEFT_OUT.has(field)) return undefined;
    return typeof value === 'string' && /^\d+@/.test(value) ? 'sticky' : value;
  }) as { events: unknown[] };
  return `{"events": [\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}
