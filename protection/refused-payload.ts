/** Why a payload is refused: nobody wrote it with this key ring for this workflow. */
export type PayloadRefusal = 'clear' | 'malformed' | 'unknownFormat' | 'altered' | 'elsewhere';

/** The encoding of a marker, which takes the place of a payload that is refused. */
export const REFUSED_ENCODING = 'c2p/refused';

/** In a value that `payload-converter.cjs` makes of a marker. */
const REFUSAL = Symbol.for('c2p refused payload');

/** Why what this value was read from is refused; nothing for a value that may be used. */
export function refusalIn(value: unknown): PayloadRefusal | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as { [REFUSAL]?: PayloadRefusal })[REFUSAL];
}

/** Why the first of these values that is refused is; nothing where all may be used. */
export function refusalAmong(values: readonly unknown[]): PayloadRefusal | undefined {
  return values.map(refusalIn).find((refusal) => refusal !== undefined);
}
