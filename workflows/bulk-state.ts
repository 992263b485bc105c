import type { BulkProgress } from './bulk-messages.js';

/** What a job takes along into its next run. */
export interface BulkCarriedState {
  view: BulkProgress;
}
