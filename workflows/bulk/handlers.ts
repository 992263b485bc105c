import { setHandler } from '@temporalio/workflow';
import { accept, acceptSignal, type Message } from '../message.js';
import { cancelProblem, jobCancelledBy } from './cancellation.js';
import { changed, changeProblem, paused, pauseProblem, resumed, resumeProblem } from './changes.js';
import type { Job } from './job.js';
import {
  batchClosedSignal,
  bulkProgressQuery,
  cancelBulkUpdate,
  changeBulkUpdate,
  pauseBulkUpdate,
  resumeBulkUpdate,
} from './messages.js';
import { jobProgressOf } from './progress.js';
import { batchClosed } from './reports.js';
import type { BulkState } from './state.js';

/** Accepts what operators ask of a job, and what its batches report. */
export function acceptJobMessages(job: Job): void {
  const mailbox = () => job.state;
  const changing =
    <Body>(change: (state: BulkState, message: Message<Body>, now: number) => BulkState) =>
    (message: Message<Body>): void =>
      job.become(change(job.state, message, Date.now()));

  setHandler(bulkProgressQuery, () => jobProgressOf(job.state, Date.now()));
  acceptSignal(batchClosedSignal, mailbox, ({ body }) => job.become(batchClosed(job.state, body)));
  accept(pauseBulkUpdate, mailbox, { problemOf: () => pauseProblem(job.state), apply: changing(paused) });
  accept(resumeBulkUpdate, mailbox, { problemOf: () => resumeProblem(job.state), apply: changing(resumed) });
  accept(cancelBulkUpdate, mailbox, {
    problemOf: (body) => cancelProblem(job.state, body),
    apply: changing(jobCancelledBy),
  });
  accept(changeBulkUpdate, mailbox, {
    problemOf: (body) => changeProblem(job.state, body),
    apply: changing(changed),
  });
}
