import { isGrpcServiceError, ServiceError, type Client } from '@temporalio/client';

const GRPC_PERMISSION_DENIED = 7;
const GRPC_UNIMPLEMENTED = 12;

/** Read once a client. */
const known = new WeakMap<Client, string>();

/**
 * The id of the client's namespace: a UUID that the server drew when the namespace was made, so that it
 * tells apart also namespaces of the same name on different servers. Nothing where the caller may not
 * read it.
 *
 * @throws ServiceError when Temporal does not answer, or has no such namespace.
 */
export async function namespaceIdOf(temporal: Client): Promise<string | undefined> {
  const before = known.get(temporal);
  if (before !== undefined) return before;
  const { namespace } = temporal.options;
  try {
    const { namespaceInfo } = await temporal.workflowService.describeNamespace({ namespace });
    if (!namespaceInfo?.id) return undefined;
    known.set(temporal, namespaceInfo.id);
    return namespaceInfo.id;
  } catch (error) {
    const code: number | undefined = isGrpcServiceError(error) ? error.code : undefined;
    if (code === GRPC_PERMISSION_DENIED || code === GRPC_UNIMPLEMENTED) return undefined;
    throw new ServiceError(`cannot read namespace '${namespace}' of Temporal`, {
      cause: error as Error,
    });
  }
}
