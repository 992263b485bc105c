import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { commands } from '../../cli/commands/index.js';
import { CLOSED_STATUSES, OPEN_STATUSES } from '../../enrollment/batch.js';
import { FailureType } from '../../enrollment/errors.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.js';

const guide = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** The first cell of each row of the tables under a heading. */
function entriesUnder(heading: string): string[] {
  const section = guide.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!);
}

/** What is typed: after a prompt, on a line of a shell script, or in line. */
function commandLines(): string[] {
  const typed = [
    ...guide.matchAll(/^(?:\$ )?npx (c2p .*)$/gm),
    ...guide.matchAll(/`(?:npx )?(c2p [^`\n]+)`/g),
  ];
  return [...new Set(typed.map((match) => match[1]!.split(' | ')[0]!.trim()))];
}

/** Why `c2p` would not take a command line; nothing if it would. */
function problemOf(line: string): string | undefined {
  let [, name, ...args] = line.split(/\s+/);
  let command = commands.find((candidate) => candidate.name() === name);
  while (command && command.commands.length > 0) {
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
    return operands.length > registeredArguments.length ? `too many arguments` : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('docs/operations.md', () => {
  test('has an entry for every status of a batch, and for none that does not exist', () => {
    expect(entriesUnder('The statuses').sort()).toEqual([...OPEN_STATUSES, ...CLOSED_STATUSES].sort());
  });

  test('has an entry for every typed failure, and for none that does not exist', () => {
    expect(entriesUnder('The typed failures').sort()).toEqual(Object.values(FailureType).sort());
  });

  test.each(commandLines())('shows a command line that c2p takes: %s', (line) => {
    expect(problemOf(line)).toBeUndefined();
  });

  test('has command lines, and what is wrong with one would be seen', () => {
    expect(commandLines()).toContain('c2p list --status AWAITING_OPERATOR');
    expect(commandLines().length).toBeGreaterThan(15);
    expect(problemOf('c2p resolv ID')).toBe('no command resolv');
    expect(problemOf('c2p resolve ID --again')).toBe('unknown --again');
    expect(problemOf('c2p keys revoke k1')).toBe('no command revoke');
    expect(problemOf('c2p keys rotate k1')).toBe('too many arguments');
    expect(problemOf('c2p list --status WAITING')).toContain('Allowed choices');
    expect(problemOf('c2p status ID ID')).toBe('too many arguments');
  });

  test('uses only search attributes that exist', () => {
    const used = [...guide.matchAll(/\bC2p[A-Z]\w+/g)].map((match) => match[0]);
    expect(used.length).toBeGreaterThan(4);
    expect(used.filter((name) => !(name in SEARCH_ATTRIBUTES))).toEqual([]);
  });

  test('links only to headings and files that exist', () => {
    const anchors = [...guide.matchAll(/^#+ (.*)$/gm)].map((match) =>
      match[1]!
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    const targets = [...guide.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1]!);
    expect(targets.length).toBeGreaterThan(5);
    const missing = targets.filter((target) =>
      target.startsWith('#')
        ? !anchors.includes(target.slice(1))
        : !existsSync(new URL(target, new URL('../../docs/', import.meta.url))),
    );
    expect(missing).toEqual([]);
  });
});
