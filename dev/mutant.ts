import { readFile } from 'node:fs/promises';

/** A deliberate fault in one line of the sources, which a test of `npm test` must notice. */
export interface Mutant {
  /** The fault, as a sentence. */
  name: string;
  file: string;
  /** What stands in the file, once. */
  text: string;
  /** What stands there instead; empty where the text is left out. */
  becomes: string;
  killedBy: {
    /** Of `npm test`. */
    file: string;
    /** A part of the full name of the tests that fail; absent where it takes no longer to run all of the file. */
    test?: string;
  };
}

export async function readMutants(): Promise<Mutant[]> {
  return JSON.parse(await readFile('test/mutants/mutants.json', 'utf8')) as Mutant[];
}

/**
 * The source with the fault in it.
 * @throws Error for a mutant that does not apply: the source has changed, and the mutant must follow it.
 */
export function mutated(source: string, { name, file, text, becomes }: Mutant): string {
  const parts = source.split(text);
  if (text === becomes || parts.length !== 2)
    throw new Error(`the mutant '${name}' does not apply: ${file} has its text ${parts.length - 1} times`);
  return parts.join(becomes);
}
