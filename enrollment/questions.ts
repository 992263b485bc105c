/**
 * What an operator is asked while a batch is AWAITING_OPERATOR.
 * - `batchId`: under which batchId Mastercard has the batch
 * - `moreTime`: how long Mastercard may take
 * - `removal`: what to do about cards that could not be removed
 * - `cancellation`: whether the batch is to be cancelled, as Temporal was asked to without c2p
 * - `key`: whether to close the batch without a blob whose key no worker has
 */
export type Question = 'batchId' | 'moreTime' | 'removal' | 'cancellation' | 'key';

/** A command that answers a question, and when it is the right one. */
export interface Answer {
  command: string;
  when: string;
}

/** The commands that answer a question about a batch, the usual one first. */
export function answersTo(question: Question, id: string): readonly [Answer, ...Answer[]] {
  const abandon = { command: `c2p resolve ${id} --abandon`, when: 'to give the batch up' };
  switch (question) {
    case 'batchId':
      return [
        {
          command: `c2p resolve ${id} --batch-id B`,
          when: 'where B is the batchId under which Mastercard says that it has the batch',
        },
        { command: `c2p resolve ${id} --resend`, when: 'if Mastercard says that it does not have it' },
        abandon,
      ];
    case 'moreTime':
      return [
        {
          command: `c2p extend ${id} --by 24h`,
          when: 'to give Mastercard more time: it did not finish before the deadline',
        },
        { command: `c2p poll ${id}`, when: 'to ask Mastercard once more' },
        abandon,
      ];
    case 'removal':
      return [
        {
          command: `c2p resolve ${id} --retry`,
          when: `to remove the cards that c2p could not remove; \`c2p report ${id}\` names them`,
        },
        { ...abandon, when: 'to leave them enrolled' },
      ];
    case 'cancellation':
      return [
        {
          command: `c2p cancel ${id}`,
          when: 'to cancel the batch: Temporal was asked to, without c2p, so nobody knows who wants it',
        },
        { command: `c2p resolve ${id} --go-on`, when: 'to go on as if nobody had asked' },
      ];
    case 'key':
      return [
        {
          command: 'c2p keys list',
          when: 'to see which key is missing, and put it back into the key ring of every worker',
        },
        {
          command: `c2p close ${id} --without-unreadable`,
          when: 'if the key is lost: what it seals is lost too',
        },
      ];
  }
}
