import { type OperatorService, isGrpcServiceError } from '@temporalio/client';
import type { SearchAttributeType } from '@temporalio/common';

/** Search attributes by name. */
export type SearchAttributeTypes = Readonly<Record<string, SearchAttributeType>>;

/** Of both kinds of connection, the client's and the worker's, the part that is needed here. */
export interface OperatorConnection {
  operatorService: Pick<OperatorService, 'listSearchAttributes' | 'addSearchAttributes'>;
}

/** `temporal.api.enums.v1.IndexedValueType` */
const INDEXED_VALUE_TYPE = {
  TEXT: 1,
  KEYWORD: 2,
  INT: 3,
  DOUBLE: 4,
  BOOL: 5,
  DATETIME: 6,
  KEYWORD_LIST: 7,
} as const satisfies Record<SearchAttributeType, number>;

/** As the command line tools spell the types. */
const TYPE_NAME = {
  TEXT: 'Text',
  KEYWORD: 'Keyword',
  INT: 'Int',
  DOUBLE: 'Double',
  BOOL: 'Bool',
  DATETIME: 'Datetime',
  KEYWORD_LIST: 'KeywordList',
} as const satisfies Record<SearchAttributeType, string>;

/** Search attributes in the shape of `operatorService.addSearchAttributes`. */
export function indexedValueTypes(attributes: SearchAttributeTypes): Record<string, number> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, type]) => [name, INDEXED_VALUE_TYPE[type]]),
  );
}

const GRPC_ALREADY_EXISTS = 6;
const GRPC_PERMISSION_DENIED = 7;
const GRPC_ABORTED = 10;
const GRPC_UNIMPLEMENTED = 12;

const ATTEMPTS = 3;

/** The namespace has a search attribute of this name with another type; Temporal cannot change a type. */
export class SearchAttributeTypeError extends Error {
  override readonly name = 'SearchAttributeTypeError';
  readonly code = 'SEARCH_ATTRIBUTE_TYPE_CONFLICT';
}

/** The caller may not list or add search attributes. The message has the commands that an administrator runs. */
export class SearchAttributePermissionError extends Error {
  override readonly name = 'SearchAttributePermissionError';
  readonly code = 'SEARCH_ATTRIBUTE_PERMISSION_DENIED';
}

/**
 * Makes sure that a namespace knows the search attributes, adding those that it lacks. Idempotent, and
 * safe when several workers start at once.
 *
 * @returns the names that were added
 * @throws SearchAttributeTypeError, SearchAttributePermissionError, and gRPC errors of the connection
 */
export async function ensureSearchAttributes(
  connection: OperatorConnection,
  namespace: string,
  wanted: SearchAttributeTypes,
): Promise<string[]> {
  let missing = wanted;
  for (let attempt = 1; ; attempt += 1) {
    try {
      missing = await missingSearchAttributes(connection, namespace, wanted);
      const names = Object.keys(missing);
      if (names.length > 0) {
        await connection.operatorService.addSearchAttributes({
          namespace,
          searchAttributes: indexedValueTypes(missing),
        });
      }
      return names;
    } catch (error) {
      if (!isGrpcServiceError(error)) throw error;
      const code: number = error.code;
      if (code === GRPC_PERMISSION_DENIED || code === GRPC_UNIMPLEMENTED) {
        throw new SearchAttributePermissionError(instructions(namespace, missing), { cause: error });
      }
      // Another worker was quicker: look again at what is missing.
      const raced = code === GRPC_ALREADY_EXISTS || code === GRPC_ABORTED;
      if (!raced || attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * Those that a namespace lacks.
 * @throws SearchAttributeTypeError, and gRPC errors of the connection
 */
export async function missingSearchAttributes(
  { operatorService }: OperatorConnection,
  namespace: string,
  wanted: SearchAttributeTypes,
): Promise<SearchAttributeTypes> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  return without(wanted, customAttributes ?? {}, namespace);
}

/** What is wanted and not there. @throws SearchAttributeTypeError */
function without(
  wanted: SearchAttributeTypes,
  present: Readonly<Record<string, number>>,
  namespace: string,
): SearchAttributeTypes {
  const missing: Record<string, SearchAttributeType> = {};
  for (const [name, type] of Object.entries(wanted)) {
    const found = present[name];
    if (found === undefined) missing[name] = type;
    else if (found !== INDEXED_VALUE_TYPE[type]) {
      throw new SearchAttributeTypeError(
        `search attribute '${name}' of namespace '${namespace}' must be of type ${TYPE_NAME[type]}, but it ` +
          `exists as ${typeName(found)}. Temporal cannot change a type: remove the attribute, or use another namespace.`,
      );
    }
  }
  return missing;
}

function typeName(indexedValueType: number): string {
  const type = (Object.keys(INDEXED_VALUE_TYPE) as SearchAttributeType[]).find(
    (key) => INDEXED_VALUE_TYPE[key] === indexedValueType,
  );
  return type === undefined ? `type ${indexedValueType}` : TYPE_NAME[type];
}

function instructions(namespace: string, missing: SearchAttributeTypes): string {
  const entries = Object.entries(missing).map(([name, type]) => ({ name, type: TYPE_NAME[type] }));
  return [
    `no permission to add search attributes to namespace '${namespace}'. Have an administrator add them once.`,
    'Temporal Cloud (or in its console, under the namespace, Search Attributes):',
    ...entries.map(
      ({ name, type }) =>
        `  tcld namespace search-attributes add --namespace ${namespace} --search-attribute "${name}=${type}"`,
    ),
    'Self-hosted:',
    ...entries.map(
      ({ name, type }) =>
        `  temporal operator search-attribute create --namespace ${namespace} --name ${name} --type ${type}`,
    ),
  ].join('\n');
}
