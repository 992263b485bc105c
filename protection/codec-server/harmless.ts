/**
 * What c2p itself writes into payloads, and what of it may be shown to everybody who may look at workflows. A field is
 * harmless by its name and the type of its value; everything else is masked. `test/protection/codec-server/harmless.test.ts`
 * fails for a field of c2p's own payloads that is missing here.
 */

/**
 * What the value of a field may be:
 * - `count`: a number that is no card number; `time`: milliseconds since the epoch; `share`: from 0 to 1; `flag`: true or false
 * - `word`: an id, a code, a digest, an instant: without white space
 * - `text`: a sentence, in which what looks personal is masked
 * - `address`: of a source, shown without its query, which may hold a signature
 * - `object`: of fields that are judged on their own; `byPosition`: of objects, each under a number
 *
 * A list is what each of its elements is.
 */
export type Kind =
  'count' | 'time' | 'share' | 'flag' | 'word' | 'text' | 'address' | 'object' | 'byPosition';

/** By name, or by `parent.name` where the name alone could be that of something personal. */
export const FIELDS = {
  count: [
    'cards pending enrolled failed invalid rolledBack unreported',
    'COMPLETED COMPLETED_WITH_ERRORS REJECTED FAILED EXPIRED ROLLED_BACK CANCELLED',
    'missing repeated contradictory foreign unknownStatus unknown elsewhere ended erasedBlobs keyMissing resealedBlobs',
    'unreadableBlobs validCards invalidCards consumers rejects batches n line offset size round unsettledRound',
    'retryInRound maxRounds maxCardsPerBatch maxBatches maxBatchesInFlight batchesPerMinute cardsPerMinute',
    'historyLimit firstBatch lastSealed stoppedAtLine most from card profiles profilesFailed own taken notStarted',
    'found started inFlight offers offersMaybeAccepted polls attempts tries unsure done troubles.all httpStatus',
    'initial coefficient maximum deadline notFoundGrace delay retryAfter graceMs interval',
  ],
  time: ['at since startedAt firstOfferedAt acceptedAt lastPolledAt lastTriedAt extendedUntil nextStartAt'],
  share: ['jitter chance readShare'],
  flag: [
    'resend abandon retry takeOver unlessKeyChanged validated withoutUnreadable known batchFailed ended begun',
    'isCancelled isCancelAsked isNudged isCompressed isReadToEnd isNewsHere isAskedFor isEncryptedAfresh isForOldKey',
    'isOperatorsDecision isUnderWay isLast isKnown lastStatusUnknown',
  ],
  word: [
    'for program externalBatchId bulkId batchId batchIds flowId chain call id appliedIds reportTo keyId ref replaces',
    'records recordsDigest orderDigest endsDigest validated enrollmentData outcomes status batchStatus question kind is',
    'failure from code layout.format layout.columns',
    'startedAt nextRoundAt nextAttemptAt nextPollAt deadlineAt estimatedEndAt offeredAt until',
    'onInvalidRecords uncertainSubmission onPartialFailure onCancel onBareCancel onPollingDeadline',
    'removalReason',
    'initial maximum deadline notFoundGrace delay',
    'stage.name then.name polling.name removing.name',
    'definition.type queryDefinitions.name signalDefinitions.name updateDefinitions.name',
  ],
  text: [
    'message stack_trace reason reasons why because by error changes notices problem heldUpBy left shown unreadable',
    'lastAnswer lastStatus lastStatus.text details.path source.path source.name identity.version currentDetails',
    'queryDefinitions.description signalDefinitions.description updateDefinitions.description',
  ],
  address: ['source.url'],
  object: [
    'batch bulk input result body order policy retryFailedRecords submission polling counts byStatus anomalies retry',
    'continues takeBack stage then removing round ending remaining wait check lastStatus limits source cursor',
    'identity layout position from inFlight workflow before early troubles rateFrom waiting stopped batches reports',
    'unreadable details definition queryDefinitions signalDefinitions updateDefinitions',
  ],
  byPosition: ['cards profiles removed removedProfiles'],
} as const satisfies Record<Kind, readonly string[]>;

/** Names that say nothing about a person, though their values do. */
const PERSONAL_FIELDS = `
  inline externalConsumerId consumer emailAddress mobileNumber countryCode phoneNumber firstName lastName
  locale country language complianceSettings privacy tnc cookie geoLocation communications
  acceptedVersion latestVersion latestVersionUri
  communicationsOptIn affiliateCommunicationsOptIn allowEmail allowText allowCall allowPush
  externalCardId primaryAccountNumber panExpirationMonth panExpirationYear
  billingAddress name line1 line2 line3 city state zip srcConsumerId srcDigitalCardId
`;

const words = (list: string): string[] => list.split(/\s+/).filter(Boolean);

const KINDS = new Map<string, Set<Kind>>();
for (const [kind, names] of Object.entries(FIELDS) as [Kind, readonly string[]][])
  for (const name of words(names.join(' '))) KINDS.set(name, (KINDS.get(name) ?? new Set()).add(kind));

const KNOWN_NAMES: ReadonlySet<string> = new Set([
  ...[...KINDS.keys()].map((name) => name.slice(name.indexOf('.') + 1)),
  ...words(PERSONAL_FIELDS),
]);

const NOTHING: ReadonlySet<Kind> = new Set();

/** What the value of a field may be to be shown; nothing for a field that c2p does not write. */
export function kindsOf(parent: string, name: string): ReadonlySet<Kind> {
  return KINDS.get(`${parent}.${name}`) ?? KINDS.get(name) ?? NOTHING;
}

/** Whether a field's name may be shown. */
export function isKnownName(name: string): boolean {
  return KNOWN_NAMES.has(name);
}
