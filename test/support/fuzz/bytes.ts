import fc from 'fast-check';
import { SECRET_TEXTS } from './secrets.js';

/** What formats stumble over: ends of lines, marks, quotes, and bytes that are no UTF-8. */
const HOSTILE_BYTES: readonly Buffer[] = [
  ...['\uFEFF', '\0', '\r\n', '\r', '\n', '\u2028', '\u0085', '\u00a0', '"', '""', "'", '\\', '\\u0000'],
  ...[',', ';', '\t', ':', '{', '}', '[', ']', ' ', '#', '=', '\\ud800', '1e999', '__proto__', '\u{1f4b3}'],
  ...SECRET_TEXTS,
]
  .map((text) => Buffer.from(text))
  .concat(
    [[0xe9], [0xa0], [0xff, 0xfe], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90]].map((b) => Buffer.from(b)),
  );

interface Edit {
  kind: 'flip' | 'insert' | 'remove' | 'repeat' | 'cut' | 'overwrite';
  /** Where, taken modulo the length. */
  at: number;
  /** How much or which. */
  what: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('flip', 'insert', 'insert', 'insert', 'remove', 'repeat', 'cut', 'overwrite'),
  at: fc.nat(),
  what: fc.nat(),
});

/** Up to `most` accidents that happen to bytes on their way. */
export function damaged(valid: fc.Arbitrary<Buffer>, most = 3): fc.Arbitrary<Buffer> {
  return fc
    .tuple(valid, fc.array(edit, { maxLength: most }))
    .map(([bytes, edits]) => edits.reduce(apply, bytes));
}

function apply(bytes: Buffer, { kind, at, what }: Edit): Buffer {
  const start = at % (bytes.length + 1);
  const end = Math.min(bytes.length, start + 1 + (what % 40));
  const [before, hit, after] = [bytes.subarray(0, start), bytes.subarray(start, end), bytes.subarray(end)];
  switch (kind) {
    case 'flip':
      return Buffer.concat([
        before,
        Buffer.from(hit.map((byte, n) => (n === 0 ? byte ^ (1 << (what % 8)) : byte))),
        after,
      ]);
    case 'insert':
      return Buffer.concat([before, HOSTILE_BYTES[what % HOSTILE_BYTES.length]!, hit, after]);
    case 'overwrite':
      return Buffer.concat([before, Buffer.from(hit.map((byte, n) => (n === 0 ? what % 256 : byte))), after]);
    case 'remove':
      return Buffer.concat([before, after]);
    case 'repeat':
      return Buffer.concat([before, hit, hit, after]);
    case 'cut':
      return before;
  }
}

/** Bytes without any sense. */
export const noise: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc.array(fc.constantFrom(...HOSTILE_BYTES), { maxLength: 30 }).map((parts) => Buffer.concat(parts)),
);
