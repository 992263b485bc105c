import { Blob } from '../../enrollment/blobs.js';
import { killedDuring } from './worker-killed.js';

killedDuring([
  {
    during: 'validateBatch, having written part of what it writes',
    activity: 'validateBatch',
    stallAt: `after put ${Blob.cards}`,
    offers: 1,
  },
  {
    during: 'encryptBatch, having stored the JWE',
    activity: 'encryptBatch',
    stallAt: 'after putNew enrollment-data-1-',
    offers: 1,
  },
  {
    during: 'fetchBatchStatus, the terminal answer being read and not reconciled',
    activity: 'fetchBatchStatus',
    stallAt: `before get ${Blob.outcomes}`,
    offers: 1,
  },
  {
    during: 'purgeBatch, having erased part of what it erases',
    activity: 'purgeBatch',
    stallAt: 'before delete enrollment-data-1-',
    offers: 1,
  },
]);
