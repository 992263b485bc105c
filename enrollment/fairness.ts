/**
 * Whose turn it is on the task queue that all programs share. Where tasks wait, Temporal gives each
 * fairness key its turn in the order of arrival of the key's own tasks, so a program with thousands of
 * batches does not hold up one with a few. Within a program, single batches, which somebody may wait for,
 * have a key beside the one of bulk work: neither waits behind the backlog of the other.
 *
 * Set where a workflow is started; its activities, its children and its next runs inherit it. A priority
 * key would do less: a caller that starts thousands of batches would then starve everybody's bulk work.
 *
 * @param work `bulk` for the workflow that enrolls a portfolio.
 * @returns for `priority` of Temporal's start options; at most 64 bytes, as a program's name has at most 63.
 */
export function fairShare(program: string, work: 'batch' | 'bulk'): { fairnessKey: string } {
  return { fairnessKey: work === 'bulk' ? `${program}*` : program };
}
