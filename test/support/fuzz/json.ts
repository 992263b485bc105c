import fc from 'fast-check';
import { SECRET_TEXTS } from './secrets.js';

/** A JSON value as it is written: a name may stand in it twice, and a number be larger than any. */
type Node = string | Branch;
interface Branch {
  brackets: '[]' | '{}';
  /** The names of what stands in a list are not written. */
  members: { name: string; node: Node }[];
}

const quotedSecrets = SECRET_TEXTS.map((text) => JSON.stringify(text));

const HOSTILE_NAMES = [
  ...quotedSecrets,
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'length',
    '',
    ' ',
    '0',
    '-1',
  ].map((name) => JSON.stringify(name)),
  ...['"\\ud800"', '"\\u0000"', '"a\\u2028b"', '"\\u005f\\u005fproto__"'],
];

const HOSTILE_VALUES = [
  ...quotedSecrets,
  ...SECRET_TEXTS.filter((text) => /^\d+$/.test(text)),
  ...quotedSecrets.flatMap((text) => [`[${text}]`, `{${text}:${text}}`]),
  ...['null', 'true', 'false', '0', '-0', '-1', '0.1', '1e-400', '1e999', '-1e999', '9007199254740993'],
  ...[
    '123456789012345678901234567890',
    '""',
    '" "',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\r\\n"',
  ],
  ...['[]', '{}', '[[]]', '[null]', '{"__proto__":{"polluted":true}}', '{"toString":null,"valueOf":1}'],
  ...['{"then":1}', '{"toJSON":"x"}', '{"length":-1}', '"30s"', '"1e9h"', '"999999999999999 years"'],
  ...[40, 400].flatMap((depth) => nestings(depth)),
  JSON.stringify('x'.repeat(3_000)),
];

/** So deep that recursion over it overflows the stack. */
const ABYSS = nestings(15_000);

function nestings(depth: number): string[] {
  return [
    `${'['.repeat(depth)}${']'.repeat(depth)}`,
    `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
    '['.repeat(depth),
  ];
}

const value = fc.oneof(
  { weight: 400, arbitrary: fc.constantFrom(...HOSTILE_VALUES) },
  { weight: 1, arbitrary: fc.constantFrom(...ABYSS) },
);

interface Edit {
  kind: 'replace' | 'rename' | 'repeat' | 'remove' | 'add' | 'wrap';
  /** Which place of the value, taken modulo their number. */
  at: number;
  name: string;
  value: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('replace', 'replace', 'rename', 'repeat', 'remove', 'add', 'wrap'),
  at: fc.nat(),
  name: fc.constantFrom(...HOSTILE_NAMES),
  value,
});

/** JSON text of a valid value that somebody wrote up to `most` strange things into, or of a strange one. */
export function estranged(valid: fc.Arbitrary<unknown>, most = 4): fc.Arbitrary<string> {
  return fc.oneof(
    {
      weight: 30,
      arbitrary: fc.tuple(valid, fc.array(edit, { maxLength: most })).map(([written, edits]) => {
        const root: Branch = { brackets: '[]', members: [{ name: '', node: nodeOf(written) }] };
        for (const one of edits) apply(root, one);
        return root.members.map(({ node }) => textOf(node)).join('');
      }),
    },
    { weight: 1, arbitrary: value },
  );
}

/** What JSON makes of a text, if it is one. */
export function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function apply(root: Branch, { kind, at, name, value: strange }: Edit): void {
  const places = placesIn(root);
  const place = places[at % places.length];
  if (!place) return;
  const { of, index } = place;
  const member = of.members[index]!;
  switch (kind) {
    case 'replace':
      member.node = strange;
      return;
    case 'rename':
      member.name = name;
      return;
    case 'repeat':
      of.members.splice(index, 0, { name: member.name, node: strange });
      return;
    case 'remove':
      of.members.splice(index, 1);
      return;
    case 'add':
      of.members.push({ name, node: strange });
      return;
    case 'wrap':
      member.node = { brackets: '{}', members: [{ name, node: member.node }] };
  }
}

function nodeOf(written: unknown): Node {
  if (typeof written !== 'object' || written === null) return JSON.stringify(written);
  return {
    brackets: Array.isArray(written) ? '[]' : '{}',
    members: Object.entries(written).map(([name, one]) => ({
      name: JSON.stringify(name),
      node: nodeOf(one),
    })),
  };
}

function textOf(node: Node): string {
  if (typeof node === 'string') return node;
  const { brackets, members } = node;
  const parts = members.map(({ name, node: one }) => (brackets === '[]' ? '' : `${name}:`) + textOf(one));
  return brackets[0] + parts.join(',') + brackets[1];
}

/** Where a value stands. */
interface Place {
  of: Branch;
  index: number;
}

function placesIn(branch: Branch): Place[] {
  return branch.members.flatMap(({ node }, index) => [
    { of: branch, index },
    ...(typeof node === 'string' ? [] : placesIn(node)),
  ]);
}
