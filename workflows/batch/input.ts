import type { BatchResult } from '../../enrollment/batch.js';
import type { BatchEnrollmentInput, InlineEnrollmentInput, TakeBackInput } from './messages.js';
import type { Continued } from '../waiting.js';
import type { BatchState } from './state.js';

export type BatchInput = BatchEnrollmentInput | InlineEnrollmentInput | TakeBackInput | Continued<BatchState>;

export type BatchWorkflow = (input: BatchInput) => Promise<BatchResult>;
