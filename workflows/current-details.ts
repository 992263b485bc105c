import { isClosed } from '../enrollment/batch.js';
import type { BatchProgress, Question } from './messages.js';

/** Progress as the workflow itself knows it: always with both. */
export type BatchView = BatchProgress & Required<Pick<BatchProgress, 'submission' | 'polling'>>;

/** What the Web UI shows of a batch, in Markdown: where it is, what comes next, and of whom something is expected. */
export function describeBatch(progress: BatchView): string {
  const { counts } = progress;
  return [
    `### ${progress.status}`,
    nextStep(progress),
    '',
    row(COUNTS.map(([what]) => what)),
    row(COUNTS.map(() => '---')),
    row(COUNTS.map(([, key]) => counts[key])),
    '',
    ...facts(progress).map((fact) => `- ${fact}`),
    ...BLANK_END,
  ].join('\n');
}

/** The Web UI cuts off the last two lines of what it renders: these have nothing to read. */
const BLANK_END = ['', '&nbsp;'];

const COUNTS = [
  ['cards', 'cards'],
  ['enrolled', 'enrolled'],
  ['failed', 'failed'],
  ['invalid', 'invalid'],
  ['rolled back', 'rolledBack'],
  ['unreported', 'unreported'],
  ['pending', 'pending'],
] as const satisfies readonly (readonly [string, keyof BatchProgress['counts']])[];

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

function nextStep(progress: BatchView): string {
  const { externalBatchId: id, status, submission, nextPollAt, nextRoundAt } = progress;
  if (isClosed(status)) {
    const how = progress.error ?? 'Closed; cardholder data is erased';
    return `${how}. \`c2p report ${id}\` tells the outcome of every card.`;
  }
  switch (status) {
    case 'VALIDATING':
      return 'Checking the records. Nothing is expected of anybody.';
    case 'ENCRYPTING':
      return 'Encrypting the valid records to Mastercard. Nothing is expected of anybody.';
    case 'SUBMITTING':
      return submission.nextAttemptAt
        ? `Next attempt to submit at ${submission.nextAttemptAt}. Nothing is expected of anybody.`
        : 'Offering the batch to Mastercard. Nothing is expected of anybody.';
    case 'PROCESSING':
      if (nextRoundAt) return `Cards that failed for a passing reason are sent again at ${nextRoundAt}.`;
      return nextPollAt
        ? `Mastercard is processing. Next poll at ${nextPollAt}; \`c2p poll ${id}\` asks at once. Nothing is expected of anybody.`
        : 'Asking Mastercard for the status.';
    case 'AWAITING_OPERATOR':
      return `**An operator is expected**: ${expectedOfOperator(progress.question ?? 'batchId', id)}`;
    case 'ROLLING_BACK':
      return 'Removing the enrolled cards again.';
  }
}

function expectedOfOperator(question: Question, id: string): string {
  switch (question) {
    case 'batchId':
      return (
        `find out from Mastercard under which batchId it has the batch, then \`c2p resolve ${id} --batch-id B\`, ` +
        `or \`c2p resolve ${id} --abandon\` to give it up.`
      );
    case 'moreTime':
      return (
        `Mastercard was not done in time. \`c2p extend ${id} --by 24h\` gives it more, \`c2p poll ${id}\` asks once more, ` +
        `\`c2p resolve ${id} --abandon\` gives the batch up.`
      );
    case 'removal':
      return (
        `some cards could not be removed; \`c2p report ${id}\` names them. \`c2p resolve ${id} --retry\` tries again, ` +
        `\`c2p resolve ${id} --abandon\` gives it up.`
      );
  }
}

function facts({
  batchIds,
  submission,
  polling,
  policyChanges,
  notices,
  reasons,
  error,
  status,
}: BatchView): string[] {
  const known = polling.lastStatusUnknown ? ' (a status this version does not know)' : '';
  return [
    ...batchIds.map((batchId) => `Mastercard batchId \`${batchId}\``),
    ...(submission.lastAnswer
      ? [`submission attempts: ${submission.attempts}, last: ${submission.lastAnswer}`]
      : []),
    ...(polling.lastStatus
      ? [`polls: ${polling.polls}, last status: \`${polling.lastStatus}\`${known}`]
      : []),
    ...(polling.deadlineAt && !isClosed(status) ? [`polling ends at ${polling.deadlineAt}`] : []),
    ...(policyChanges ?? []).map((change) => `policy changed: \`${change}\``),
    ...(isClosed(status) ? [] : (notices ?? [])),
    ...reasons,
    ...(error && !isClosed(status) ? [`**${error}**`] : []),
  ];
}
