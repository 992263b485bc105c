import { describe } from 'vitest';
import { jobCases, testJobsClosing } from '../scenarios/job-closing.js';

describe('a job closes on every way where its own blobs are damaged', () => {
  testJobsClosing(jobCases);
});
