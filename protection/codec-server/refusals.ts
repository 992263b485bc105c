import { KeyRingError } from '../key-ring-json.js';
import { PayloadCodecError } from '../payload-codec.js';
import { AccessRefused, IssuerUnavailable } from './access-tokens.js';

/** A request that is refused. The message is the answer and part of the audit log; it holds nothing of the request. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    /** Of the answer, by HTTP. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const BY_STATUS: Readonly<Record<number, string>> = {
  400: 'the body is not JSON',
  413: 'the body is too large',
  415: 'the body must be application/json',
  429: 'too many requests from this address: try again in a minute',
};

/** What the answer says of an error. Messages of errors that nobody foresaw may quote the request; statuses do not. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof AccessRefused) return new Refusal(401, error.message);
  if (error instanceof PayloadCodecError) return new Refusal(422, error.message);
  if (error instanceof IssuerUnavailable) return new Refusal(503, error.message);
  if (error instanceof KeyRingError) return new Refusal(503, 'the key ring cannot be read');
  const { statusCode = 500 } = error as { statusCode?: number };
  return new Refusal(statusCode, BY_STATUS[statusCode] ?? 'the request was not handled');
}
