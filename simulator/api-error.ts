import type { ServiceError, ServiceErrorDetail, Wire } from './wire.js';

/** `gatewayA`: `{Errors: {Error: [e]}}`; `gatewayB`: `{Errors: [{Error: e}]}`; `service`: `{status, reason, …}`. */
export type ErrorShape = 'service' | 'gatewayA' | 'gatewayB';

/** Mastercard's top reason for each HTTP status that the simulator answers with. */
const REASON_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  501: 'NOT_IMPLEMENTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

export interface ApiErrorOptions {
  /** Whose HTTP status `Wire.statuses` has. */
  kind?: 'duplicate' | 'unknownBatch' | 'absent' | 'invalid' | undefined;
  /** Default: the reason that belongs to the status, else `UNEXPECTED_ERROR`. */
  reason?: string | undefined;
  /** Default: a sentence with the status. Never holds a value of the request. */
  message?: string | undefined;
  /** Default `service`. */
  shape?: ErrorShape | undefined;
  /** Service shape only. */
  details?: ServiceErrorDetail[] | undefined;
  /** Gateway shapes only; default false. */
  recoverable?: boolean | undefined;
  /** Service shape only: further members of the body, beside Mastercard's own. */
  extra?: Record<string, string> | undefined;
}

/** An answer of the API other than success. Its `code` is the reason that the body carries. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;

  /** @param status HTTP status, 400 to 599. */
  constructor(
    readonly status: number,
    private readonly options: ApiErrorOptions = {},
  ) {
    super(options.message ?? `Answered with status ${status}`);
    this.code = options.reason ?? REASON_OF_STATUS[status] ?? 'UNEXPECTED_ERROR';
  }

  /** The HTTP status of the answer. */
  statusOn({ statuses }: Pick<Wire, 'statuses'>): number {
    const { kind } = this.options;
    return kind === undefined ? this.status : statuses[kind];
  }

  /** The body of the answer, in the shape asked for. */
  bodyOn(wire: Wire): object {
    const { shape = 'service', details, recoverable = false, extra } = this.options;
    if (shape === 'service') {
      const error: ServiceError = {
        status: this.status,
        reason: this.code,
        message: this.message,
        errordetail: details ?? null,
      };
      return errorOn(wire, { ...error, status: this.statusOn(wire), ...extra });
    }
    const error = {
      Source: 'Gateway',
      ReasonCode: this.code,
      Description: this.message,
      Recoverable: recoverable,
      Details: null,
    };
    return { Errors: shape === 'gatewayA' ? { Error: [error] } : [{ Error: error }] };
  }
}

/** 400 INVALID_ARGUMENT with one detail per finding. */
export function invalidArgument(details: ServiceErrorDetail[]): ApiError {
  return new ApiError(400, { kind: 'invalid', message: 'The request is not valid', details });
}

/** A service error, of a call or a card, as the wire has it. */
export function errorOn({ words, answers }: Pick<Wire, 'words' | 'answers'>, error: ServiceError): object {
  const worded = (details: ServiceErrorDetail[] | null | undefined) =>
    details?.map((detail) => ({ ...detail, reason: words[detail.reason ?? ''] ?? detail.reason })) ?? details;
  return answers.error({
    ...error,
    ...(error.reason !== undefined && { reason: words[error.reason] ?? error.reason }),
    ...('errordetail' in error && { errordetail: worded(error.errordetail) }),
    ...('details' in error && { details: worded(error.details) }),
  });
}
