import { stringify } from 'csv-stringify/sync';
import type { Outcome } from '../enrollment/outcomes.js';

export const REPORT_FORMATS = ['jsonl', 'csv'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

const COLUMNS = [
  'externalConsumerId',
  'externalCardId',
  'status',
  'round',
  'reason',
  'details',
  'srcConsumerId',
  'srcDigitalCardId',
] as const satisfies readonly (keyof Outcome)[];

/** All outcomes as text: one JSON object a line, or CSV with a header and one card a row. */
export function formatReport(outcomes: readonly Outcome[], format: ReportFormat): string {
  if (format === 'jsonl') return outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join('');
  // Spreadsheets run a cell that begins with = + - or @ as a formula.
  return stringify(
    outcomes.map((outcome) => ({ ...outcome, details: detailsText(outcome) })),
    { header: true, columns: [...COLUMNS], escape_formulas: true },
  );
}

/** What was found about a card, in one cell or on one line: `cards[0].primaryAccountNumber luhn; …`. */
export function detailsText({ details }: Outcome): string {
  return (details ?? [])
    .map(({ path, code, message }) => [path, code, message && `(${message})`].filter(Boolean).join(' '))
    .join('; ');
}
