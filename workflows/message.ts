import type { SignalDefinition, UpdateDefinition } from '@temporalio/common';
import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import { FailureType } from '../enrollment/errors.js';
import { looksLikePan } from '../enrollment/identifiers.js';

/**
 * What every signal and every update carries, as its only argument: who sends it and why, so that both are in
 * the workflow's history.
 */
export interface Message<Body> {
  /** Chosen by the sender. Idempotent: a message whose id was applied before is ignored. */
  id: string;
  /** The person or the program that sends it. */
  by: string;
  reason?: string | undefined;
  /** The name of the signal or update: what was written for one is not taken for another. */
  for: string;
  body: Body;
}

/** Where the ids of applied messages are kept; a state of a workflow has one. */
export interface Mailbox {
  /** Of the messages that were applied, the last `IDS_KEPT`. */
  appliedIds: readonly string[];
}

const IDS_KEPT = 100;
const LONGEST_NAME = 128;
const LONGEST_REASON = 500;

function isApplied({ appliedIds }: Mailbox, { id }: Message<unknown>): boolean {
  return appliedIds.includes(id);
}

/** The mailbox after a message was applied. */
export function withApplied<Box extends Mailbox>(box: Box, { id }: Message<unknown>): Box {
  return { ...box, appliedIds: [...box.appliedIds, id].slice(-IDS_KEPT) };
}

/** Why a message cannot be read at all: a sentence without its values. A sender may use any language. */
function messageProblem(args: readonly unknown[], to: string): string | undefined {
  const [message] = args;
  if (args.length !== 1 || typeof message !== 'object' || message === null)
    return 'a message has one argument: {id, by, reason?, for, body}';
  const { id, by, reason = '', for: writtenFor, body } = message as Partial<Message<unknown>>;
  for (const [name, text] of Object.entries({ id, by })) {
    if (typeof text !== 'string' || text.length === 0 || text.length > LONGEST_NAME)
      return `${name} must be a text of 1 to ${LONGEST_NAME} characters`;
  }
  if (typeof reason !== 'string' || reason.length > LONGEST_REASON)
    return `reason must be a text of at most ${LONGEST_REASON} characters`;
  if (looksLikePan(`${by as string} ${reason}`)) return 'by or reason looks like a card number';
  if (writtenFor !== to) return `for must be ${to}: the message was written for another`;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'body must be an object';
  return undefined;
}

/**
 * Accepts an update. A validator refuses what cannot be applied, so that nothing of it enters history.
 */
export function accept<Body>(
  definition: UpdateDefinition<void, [Message<Body>]>,
  mailbox: () => Mailbox,
  handler: {
    /** Why the body cannot be applied now; nothing where it can. */
    problemOf: (body: Body) => string | undefined;
    /** Resolves when the message is applied; may throw `refused`. */
    apply: (message: Message<Body>) => void | Promise<void>;
    /** The type of a refusal; default ChangeRefused. */
    refusal?: FailureType;
  },
): void {
  const { problemOf, apply, refusal } = handler;
  setHandler(
    definition,
    async (message) => {
      if (!isApplied(mailbox(), message)) await apply(message);
    },
    {
      validator: (...args: [Message<Body>]) => {
        const unreadable = messageProblem(args, definition.name);
        if (unreadable !== undefined) throw refused(unreadable, refusal);
        if (isApplied(mailbox(), args[0])) return;
        const problem = problemOf(args[0].body);
        if (problem !== undefined) throw refused(problem, refusal);
      },
    },
  );
}

/** Accepts a signal, to whose sender nothing can be answered: one that cannot be read is ignored. */
export function acceptSignal<Body>(
  definition: SignalDefinition<[Message<Body>]>,
  mailbox: () => Mailbox,
  apply: (message: Message<Body>) => void,
): void {
  setHandler(definition, (...args) => {
    const [message] = args;
    if (messageProblem(args, definition.name) === undefined && !isApplied(mailbox(), message)) apply(message);
  });
}

/** The error of a message that cannot be applied; the workflow is as it was. */
export function refused(message: string, type: FailureType = FailureType.ChangeRefused): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}
