import { sql as blobsAndOutcomes } from './0001-blobs-and-outcomes.js';

export interface Migration {
  /** 1, 2, 3, …: the order in which they are applied. */
  number: number;
  name: string;
  sql: string;
}

/**
 * All of them. One that was released is never changed, and a new one leaves the tables so that the release
 * before it works on: workers are exchanged one after the other.
 */
export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: 'blobs and outcomes', sql: blobsAndOutcomes },
];
