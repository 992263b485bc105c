import { isClosed } from '../../enrollment/batch.js';
import { answersTo, type Question } from '../../enrollment/questions.js';
import { code, words } from '../markdown.js';
import type { BatchProgress } from './messages.js';
import type { OpenProgress } from './progress.js';

/** What the Web UI shows of a batch, in Markdown: where it is, what comes next, and whether an operator must act. */
export function describeBatch(progress: OpenProgress): string {
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

function nextStep(progress: OpenProgress): string {
  const { externalBatchId: id, status, submission, nextPollAt, nextRoundAt } = progress;
  if (isClosed(status)) {
    const how = words(progress.error ?? 'Closed; cardholder data is erased');
    return `${how}. \`c2p report ${id}\` shows the outcome of every card.`;
  }
  switch (status) {
    case 'VALIDATING':
      return 'Checking the records. No action needed.';
    case 'ENCRYPTING':
      return 'Encrypting the valid records to Mastercard. No action needed.';
    case 'SUBMITTING':
      return submission.nextAttemptAt
        ? `Next attempt to submit at ${submission.nextAttemptAt}. No action needed.`
        : 'Submitting the batch to Mastercard. No action needed.';
    case 'PROCESSING':
      if (nextRoundAt) return `Cards that failed for a passing reason are sent again at ${nextRoundAt}.`;
      return nextPollAt
        ? `Mastercard is processing. Next poll at ${nextPollAt}; \`c2p poll ${id}\` asks at once. No action needed.`
        : 'Asking Mastercard for the status.';
    case 'AWAITING_OPERATOR':
      return `**ACTION NEEDED**: ${actionNeeded(progress.question ?? 'batchId', id)}`;
    case 'ROLLING_BACK':
      return 'Removing the enrolled cards again.';
  }
}

/** What to run, and when. */
function actionNeeded(question: Question, id: string): string {
  const answers = answersTo(question, id);
  return `run ${answers.map(({ command, when }) => `\`${command}\` ${when}`).join('; or ')}.`;
}

function facts({
  batchIds,
  submission,
  polling,
  changes,
  notices,
  reasons,
  error,
  status,
}: OpenProgress): string[] {
  const known = polling.lastStatusUnknown ? ' (a status this version does not know)' : '';
  return [
    ...batchIds.map((batchId) => `Mastercard batchId ${code(batchId)}`),
    ...(submission.lastAnswer
      ? [`submission attempts: ${submission.attempts}, last: ${words(submission.lastAnswer)}`]
      : []),
    ...(polling.lastStatus
      ? [`polls: ${polling.polls}, last status: ${code(polling.lastStatus)}${known}`]
      : []),
    ...(polling.deadlineAt && !isClosed(status) ? [`polling ends at ${polling.deadlineAt}`] : []),
    ...(changes ?? []).map((change) => `changed: ${code(change)}`),
    ...(isClosed(status) ? [] : (notices ?? []).map(words)),
    ...reasons.map(words),
    ...(error && !isClosed(status) ? [`**${words(error)}**`] : []),
  ];
}
