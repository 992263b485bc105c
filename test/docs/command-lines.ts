import { commands } from '../../cli/commands/index.js';
import type { Page } from './pages.js';

/** The `c2p` commands that a page shows: after a prompt, on a line of a shell script, or in a sentence. */
export function commandLinesOf({ codeBlocks, codeSpans }: Page): string[] {
  const typed = codeBlocks.flatMap(({ lang, text }) => {
    if (lang === 'console') return [...text.matchAll(/^\$ (.*)$/gm)].map((match) => match[1]!);
    return lang === 'sh' ? text.split('\n') : [];
  });
  const lines = [...typed, ...codeSpans].flatMap((line) => {
    const match = /^(?:[A-Z][A-Z0-9_]*=\S* )*(?:npx )?(c2p [^#]*)/.exec(line);
    // What the shell does with the output is not the command's.
    return match ? [match[1]!.split(/ [|>] | && /)[0]!.trim()] : [];
  });
  return [...new Set(lines)];
}

/** Why `c2p` would not take a command line; nothing if it would. */
export function problemOf(line: string): string | undefined {
  let [, name, ...args] = line.split(/\s+/);
  if (name?.startsWith('--')) return undefined;
  let command = commands.find((candidate) => candidate.name() === name);
  while (command && command.commands.length > 0) {
    // A group by itself, as in "the commands of `c2p keys`".
    if (args.length === 0) return undefined;
    [name, ...args] = args;
    command = command.commands.find((candidate) => candidate.name() === name);
  }
  if (!command) return `no command ${name}`;
  try {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
    const { operands, unknown } = command.parseOptions(args);
    if (unknown.length > 0) return `unknown ${unknown.join(' ')}`;
    const { registeredArguments } = command;
    if (registeredArguments.at(-1)?.variadic) return undefined;
    // `c2p resolve --retry` in a sentence names no batch; more than the command takes is a mistake.
    return operands.length > registeredArguments.length ? 'too many arguments' : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
