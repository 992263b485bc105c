import { condition, setHandler } from '@temporalio/workflow';
import { FailureType } from '../enrollment/errors.js';
import { LONGEST } from '../enrollment/policy-rules.js';
import type { BatchState } from './batch-state.js';
import { extendDeadlineUpdate, type DeadlineDecision } from './messages.js';
import { refused } from './refused.js';

const USAGE = 'give either {until}, an ISO 8601 time, or {abandon: true}';

/** The place where somebody decides how long Mastercard may take. */
export class DeadlineDesk {
  private asking = false;
  private abandoned = false;

  constructor(private readonly state: BatchState) {
    setHandler(extendDeadlineUpdate, (decision) => this.decide(decision), {
      validator: (decision: DeadlineDecision) => this.validate(decision),
    });
  }

  /**
   * The polling deadline has passed: asks an operator where the policy wants that. A poll that somebody
   * wants meanwhile is made, and then the question is asked again.
   * @returns whether Mastercard is to be asked again.
   */
  async askForMoreTime(batchId: string): Promise<boolean> {
    const { state } = this;
    const gone = () => this.abandoned || state.policy.onPollingDeadline === 'expire';
    if (gone()) return false;
    if (state.isCancelling) return state.isNudged;
    state.awaitsOperator(
      'moreTime',
      `${FailureType.PollingDeadlineExceeded}: batchId ${batchId} was not terminal before the polling deadline`,
    );
    this.asking = true;
    try {
      await condition(() => gone() || state.isNudged || Date.now() < state.pollingDeadline);
    } finally {
      this.asking = false;
      // Also when cancelled: what is to be taken back is asked for once more.
      state.nudge();
    }
    if (gone()) return false;
    state.pollsAgain();
    return true;
  }

  private decide(decision: DeadlineDecision): void {
    if ('abandon' in decision) this.abandoned = true;
    else this.state.extendDeadline(Date.parse(decision.until));
  }

  private validate(decision: DeadlineDecision): void {
    const { state } = this;
    if ('abandon' in decision === 'until' in decision) throw refused(USAGE);
    if ('abandon' in decision) {
      if (decision.abandon !== true) throw refused(USAGE);
      if (!this.asking) throw refused('the polling deadline has not passed, so there is nothing to give up');
      return;
    }
    if (!this.asking && !state.isPolled) throw refused('Mastercard is not processing the batch');
    const until = Date.parse(decision.until);
    if (Number.isNaN(until)) throw refused(USAGE);
    const now = Date.now();
    if (until <= Math.max(state.pollingDeadline, now)) {
      throw refused(`the polling deadline is ${new Date(state.pollingDeadline).toISOString()} already`);
    }
    if (until > now + LONGEST) throw refused('the polling deadline may be a year away at most');
  }
}
