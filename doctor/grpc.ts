import { isGrpcServiceError } from '@temporalio/client';
import { messageOf } from './finding.js';

/** gRPC status codes. */
export const Grpc = { notFound: 5 } as const;

/** The gRPC status code of an error; nothing for any other error. */
export function codeOf(error: unknown): number | undefined {
  return isGrpcServiceError(error) ? Number(error.code) : undefined;
}

/** What Temporal, or the way there, says is wrong. */
export function reasonOf(error: unknown): string {
  return isGrpcServiceError(error) ? error.details || error.message : messageOf(error);
}
