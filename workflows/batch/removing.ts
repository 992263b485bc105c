import type { ProfileAnswer, RemovalAnswer, Unreadable } from '../../activities/index.js';
import { onStore, removing } from '../activities.js';
import { activityProblem } from '../failures.js';
import type { Batch } from './batch.js';
import { unreadable } from './held-up.js';
import {
  allRecorded,
  cardRemoved,
  cardsRecorded,
  cardsToRemove,
  profileRemoved,
  profilesToRemove,
  removalListed,
} from './removal.js';
import { keyOf } from './state.js';

/** So many removals are under way at a time; the program's rate limits them across all workers. */
const AT_A_TIME = 5;
/** So many are done before the batch looks whether its history is long. */
const IN_ONE_GO = 50;

/**
 * Takes the removal of a batch's enrolled cards a step further: lists them, removes some, each by an activity of its
 * own, records what became of them, then does the same for the profiles that this leaves empty.
 */
export async function removeSome(batch: Batch): Promise<void> {
  const { stage } = batch.in('removing');
  if (stage.cards === null) return list(batch);
  const cards = cardsToRemove(batch.in('removing'));
  if (cards.length > 0) return inOneGo(batch, cards, removeCard);
  const profiles = profilesToRemove(batch.in('removing'));
  if (profiles.length > 0) return inOneGo(batch, profiles, removeProfile);
  return record(batch);
}

async function list(batch: Batch): Promise<void> {
  const { counts, stage } = batch.in('removing');
  batch.publish();
  const result = await onStore({
    summary: `${counts.enrolled} cards: ${stage.why}`,
  }).listEnrolled({ batch: keyOf(batch.state) });
  const state = batch.in('removing');
  batch.become(
    result.kind === 'unreadable' ? unreadable(state, result, Date.now()) : removalListed(state, result.cards),
  );
}

async function record(batch: Batch): Promise<void> {
  const { stage } = batch.in('removing');
  const result = await onStore({ summary: 'record what was removed' }).recordRemovals({
    batch: keyOf(batch.state),
    cards: stage.removed,
    profiles: stage.removedProfiles,
  });
  const state = batch.in('removing');
  if (result.kind === 'unreadable') batch.become(unreadable(state, result, Date.now()));
  else if (stage.profiles === null && result.profiles.length > 0) batch.become(cardsRecorded(state, result));
  else batch.become(allRecorded(state, result));
}

type Removal = (batch: Batch, position: number) => Promise<Unreadable | undefined>;

/** Removes some, a few side by side, in their order; then hands over when the history is long. */
async function inOneGo(batch: Batch, positions: readonly number[], remove: Removal): Promise<void> {
  const waiting = positions.slice(0, IN_ONE_GO);
  let found: Unreadable | undefined;
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined && !found; next = waiting.shift())
      found ??= await remove(batch, next);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  if (found) batch.become(unreadable(batch.in('removing'), found, Date.now()));
  else await batch.handOverWhenLong();
}

async function removeCard(batch: Batch, card: number): Promise<Unreadable | undefined> {
  const { stage, flowId, policy } = batch.in('removing');
  const { program } = keyOf(batch.state);
  const summary = `card ${card + 1}: ${stage.why}`;
  const answer = await removing(program, { summary })
    .removeCard({
      batch: keyOf(batch.state),
      card,
      reason: policy.removalReason,
      flowId: flowId ?? undefined,
    })
    .catch(notRemoved);
  if (answer.kind === 'unreadable') return answer;
  batch.become(cardRemoved(batch.in('removing'), card, answer));
  return undefined;
}

async function removeProfile(batch: Batch, card: number): Promise<Unreadable | undefined> {
  const { flowId } = batch.in('removing');
  const { program } = keyOf(batch.state);
  const answer = await removing(program, { summary: `profile of card ${card + 1}` })
    .removeProfile({ batch: keyOf(batch.state), card, flowId: flowId ?? undefined })
    .catch(notRemoved);
  if (answer.kind === 'unreadable') return answer;
  batch.become(profileRemoved(batch.in('removing'), card, answer));
  return undefined;
}

/** What Temporal's retries did not mend is an operator's decision. */
function notRemoved(error: unknown): (RemovalAnswer | ProfileAnswer) & { kind: 'failed' } {
  return { kind: 'failed', message: activityProblem(error).message };
}
