/** What this run refused because nobody with the deployment's key ring wrote it. */
let refused = 0;
let show: () => void = () => undefined;

export function countRefusal(): void {
  refused += 1;
  show();
}

/** @param shown called after each refusal, to show `refusalNote` to operators. */
export function onRefusal(shown: () => void): void {
  show = shown;
}

/** A line of the current details; nothing where nothing was refused. */
export function refusalNote(): string {
  if (refused === 0) return '';
  return `\n- messages refused, since nobody with the key ring wrote them: ${refused}; the log of the worker names each`;
}
