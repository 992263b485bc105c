import { Command, InvalidArgumentError } from 'commander';
import { example } from '../help.js';
import { withOpenBatch } from '../open-batch.js';
import { note, printJson } from '../output.js';
import { senderOf, withSender, type SenderOptions } from '../sender.js';

export const policyCommand = withSender(new Command('policy'))
  .description('show, or change, the policy of a batch that runs')
  .argument('<id>', 'externalBatchId')
  .argument('[changes...]', 'as in polling.maximum=5m onCancel=leave')
  .option('-p, --program <program>', 'only where several programs have a batch of this id')
  .addHelpText(
    'after',
    example(
      'c2p policy 2026-11-debit-0001 polling.maximum=5m onCancel=leave',
      'Without changes it prints the policy as JSON, durations in milliseconds.',
      'The program’s policy in the configuration stays as it is: it is for the batches that come.',
    ),
  )
  .action(async (id: string, changes: string[], options: SenderOptions & { program?: string }) => {
    const change = parse(changes);
    await withOpenBatch(id, options.program, async (batch, { policy }) => {
      if (changes.length === 0) return printJson(policy);
      await batch.updatePolicy(change, senderOf(options));
      note(`batch ${id} now has ${changes.join(' ')}`);
    });
  });

/** @returns what is written as `polling.maximum=5m`, as a policy is: `{ polling: { maximum: '5m' } }`. */
function parse(changes: string[]): Record<string, unknown> {
  const policy: Record<string, unknown> = {};
  for (const change of changes) {
    const [, part, field, value] = /^([a-z]+)(?:\.([a-z]+))?=(.+)$/i.exec(change) ?? [];
    if (part === undefined || value === undefined)
      throw new InvalidArgumentError('give changes as in polling.maximum=5m; one of these is not.');
    const typed = /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    policy[part] = field === undefined ? typed : { ...(policy[part] as object | undefined), [field]: typed };
  }
  return policy;
}
