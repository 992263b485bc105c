import { PassThrough } from 'node:stream';
import type { Command, Option } from 'commander';
import { commands } from '../cli/commands/index.js';

/** Above this line of `docs/cli.md`, people write; below it, `npm run docs` does. */
export const WRITTEN_BELOW = '<!-- `npm run docs` writes everything below from the commands themselves. -->';

/** The part of `docs/cli.md` that the commands themselves say, in Markdown: each command and each option. */
export function describeCommands(): string {
  const groups = commands.filter(({ commands: within }) => within.length > 0);
  const single = commands.filter(({ commands: within }) => within.length === 0);
  return [
    ...section('Batches and processes', single, 'c2p'),
    ...groups.flatMap((group) => section(titleOf(group), group.commands, `c2p ${group.name()}`)),
  ].join('\n\n');
}

const TITLES: Record<string, string> = { bulk: 'Bulk jobs', keys: 'Keys', store: 'The store' };

function titleOf(group: Command): string {
  return TITLES[group.name()] ?? group.name();
}

function section(title: string, of: readonly Command[], parent: string): string[] {
  return [`## ${title}`, ...of.flatMap((command) => describe(command, parent))];
}

function describe(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`;
  const { example, remarks } = closingWords(command);
  const rows = [
    ...command.registeredArguments.map((argument) => [`<${argument.name()}>`, argument.description]),
    ...command.options.map((option) => [option.flags, meaningOf(option)]),
  ].map(([what, meaning]) => `| \`${escaped(what!)}\` | ${escaped(meaning!)} |`);
  return [
    `### ${name}`,
    `${sentence(command.description())}`,
    ...(rows.length > 0 ? [['| | |', '| --- | --- |', ...rows].join('\n')] : []),
    `\`\`\`sh\n${example}\n\`\`\``,
    ...(remarks ? [remarks] : []),
  ];
}

function meaningOf({ description, argChoices, defaultValue, defaultValueDescription }: Option): string {
  const choices = argChoices ? `: ${argChoices.map((choice) => `\`${choice}\``).join(', ')}` : '';
  const value = defaultValueDescription ?? (defaultValue === undefined ? undefined : String(defaultValue));
  return `${description}${choices}${value === undefined ? '' : ` (default: \`${value}\`)`}`;
}

/** What `example()` put at the end of a command's help. */
function closingWords(command: Command): { example: string; remarks: string } {
  const out = new PassThrough({ encoding: 'utf8' });
  command.configureOutput({ writeOut: (text) => void out.write(text) }).outputHelp();
  const [, words = ''] = (out.read() as string).split('\nExample:\n');
  const [example = '', ...remarks] = words.trim().split('\n');
  return { example, remarks: remarks.join('\n').trim() };
}

function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}
