import { defineSearchAttributeKey } from '@temporalio/common';

/**
 * What operators filter batches by. These are readable in Temporal in clear, so they hold names and
 * counts only. Counts are of cards, as outcomes are.
 */
export const C2pStatus = defineSearchAttributeKey('C2pStatus', 'KEYWORD');
export const C2pProgram = defineSearchAttributeKey('C2pProgram', 'KEYWORD');
export const C2pExternalBatchId = defineSearchAttributeKey('C2pExternalBatchId', 'KEYWORD');
/** Of a bulk job and of each of its batches. */
export const C2pBulkId = defineSearchAttributeKey('C2pBulkId', 'KEYWORD');
export const C2pBatchId = defineSearchAttributeKey('C2pBatchId', 'KEYWORD');
export const C2pRecords = defineSearchAttributeKey('C2pRecords', 'INT');
export const C2pFailedRecords = defineSearchAttributeKey('C2pFailedRecords', 'INT');

/** Name and type of each, as a namespace must know them. */
export const SEARCH_ATTRIBUTES = Object.fromEntries(
  [C2pStatus, C2pProgram, C2pExternalBatchId, C2pBulkId, C2pBatchId, C2pRecords, C2pFailedRecords].map(
    (key) => [key.name, key.type],
  ),
);
