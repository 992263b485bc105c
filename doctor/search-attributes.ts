import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.js';
import { missingSearchAttributes, SearchAttributeTypeError } from '../worker/search-attributes.js';
import { findings, type Finding } from './finding.js';
import { reasonOf } from './grpc.js';
import type { TemporalPlace } from './temporal.js';

/** Whether the namespace has c2p's search attributes, with their types. */
export async function checkSearchAttributes({ connection, namespace }: TemporalPlace): Promise<Finding> {
  const { ok, warning, failed } = findings('search-attributes');
  try {
    const missing = Object.keys(await missingSearchAttributes(connection, namespace, SEARCH_ATTRIBUTES));
    if (missing.length === 0) return ok(`all ${Object.keys(SEARCH_ATTRIBUTES).length} are registered`);
    const todo =
      'start a worker: it adds them, or says in its log which commands an administrator has to run';
    return failed(`'${namespace}' lacks ${missing.join(', ')}`, todo);
  } catch (error) {
    if (error instanceof SearchAttributeTypeError)
      return failed(error.message, 'an administrator has to decide; batches cannot be started before');
    return warning(
      `cannot be listed: ${reasonOf(error)}`,
      "see that the worker's log says nothing of search attributes",
    );
  }
}
