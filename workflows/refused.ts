import { ApplicationFailure } from '@temporalio/workflow';
import { FailureType } from '../enrollment/errors.js';

/** The error of a change to a running batch that cannot be made; the batch is as it was. */
export function refused(message: string, type: FailureType = FailureType.ChangeRefused): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}
