/**
 * The `type` of every failure that c2p raises inside Temporal. They are part of the contract with
 * operators and with retry policies, and they are readable in Temporal in clear: never rename one.
 */
export const FailureType = {
  /** The workflow failed: Mastercard failed the batch, or c2p could not go on with it. */
  BatchFailed: 'BatchFailed',
  /** The batch was still not terminal when `polling.deadline` had passed. */
  PollingDeadlineExceeded: 'PollingDeadlineExceeded',
  /** Mastercard may have the batch, but its batchId could not be learned. */
  SubmissionUnresolved: 'SubmissionUnresolved',
  /** Cards that should have been removed again could not be, and an operator gave that up. */
  CompensationFailed: 'CompensationFailed',
  /** What an operator answered cannot be believed, or nothing was asked. */
  ResolutionRefused: 'ResolutionRefused',
  /** A change that was asked of a running batch is malformed, or comes at the wrong time. */
  ChangeRefused: 'ChangeRefused',
  /** What a batch was started with, records inline, cannot be used; nothing was kept and no card was sent. */
  InputRefused: 'InputRefused',
  /** A key, id or address in the configuration is wrong; Mastercard refused the caller, not the batch. */
  ConfigurationInvalid: 'ConfigurationInvalid',
  /** A sealed blob was altered, truncated, or is sealed under a key that is not in the key ring. */
  SealedBlobUnreadable: 'SealedBlobUnreadable',
  /** A blob that the batch needs is not in the store. */
  SealedBlobMissing: 'SealedBlobMissing',
  /** A portfolio cannot be read as records: it is not there, is no CSV or JSONL, or its server gives no ranges. */
  SourceUnusable: 'SourceUnusable',
  /** A portfolio is not the one any more that was begun with. */
  SourceChanged: 'SourceChanged',
  /** A bulk job left batches out, since other batches have their ids. */
  BatchIdTaken: 'BatchIdTaken',
  /** A call to Mastercard failed in a way that a later attempt may not. */
  GatewayUnavailable: 'GatewayUnavailable',
} as const;

export type FailureType = (typeof FailureType)[keyof typeof FailureType];

export function isFailureType(type: string | undefined | null): type is FailureType {
  return Object.values<string | undefined | null>(FailureType).includes(type);
}
