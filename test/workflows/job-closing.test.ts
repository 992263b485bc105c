import { describe } from 'vitest';
import { fewJobCases, testJobsClosing } from '../scenarios/job-closing.js';

describe('a job closes on every way where its own blobs are damaged', () => {
  testJobsClosing(fewJobCases);
});
