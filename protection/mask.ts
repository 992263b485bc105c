/** ISO/IEC 7812-1 allows card numbers of up to 19 digits; no network issues fewer than 13. */
const SHORTEST = 13;
const LONGEST = 19;
/** How many digits stay readable. PCI DSS 3.4.1 allows more on a display; a log needs no more to find a card. */
const SHOWN = 4;

/**
 * Replaces what may be a card number by asterisks, up to its last four digits: `************9726`.
 *
 * A card number is a stretch of 13 to 19 ASCII digits that passes the Luhn check, with single spaces,
 * dots or dashes between the digits or none. What surrounds it does not matter: letters may touch it,
 * and so may other digits (an expiry date, a counter, a second number), so *every* such stretch within
 * a longer run counts. Where stretches overlap, all of their digits are masked and only the last four
 * of the whole remain. This masks many a long number that is no card number; the reverse is what must
 * not happen. Separators stay, so the length of the text does not change.
 *
 * Takes time linear in the text, whatever it holds. Masking twice is masking once.
 */
export function maskPans(text: string): string {
  let masked = '';
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (!isDigit(text, at)) continue;
    const run = digitRun(text, at);
    at = run.at(-1) ?? at;
    if (run.length < SHORTEST) continue;
    for (const [start, end] of panStretches(run.map((position) => text.charCodeAt(position) - 48))) {
      for (const position of run.slice(start, end - SHOWN)) {
        masked += text.slice(copied, position) + '*';
        copied = position + 1;
      }
    }
  }
  return copied === 0 ? text : masked + text.slice(copied);
}

/** What may hold an e-mail address: a stretch without white space, quotes, brackets and what ends a clause. */
const WORD = /[^\s"'`<>(),;]+/g;
const E_MAIL = /.(?:@|%40)./i;

/**
 * Replaces each word that holds an e-mail address, also a percent-encoded one, by asterisks. The length of the
 * text does not change. Takes time linear in the text.
 */
export function maskEmails(text: string): string {
  return text.replace(WORD, (word) => (E_MAIL.test(word) ? '*'.repeat(word.length) : word));
}

/** The positions of the digits of the run that starts at `at`. */
function digitRun(text: string, at: number): number[] {
  const positions: number[] = [];
  for (let next = at; isDigit(text, next); next += isSeparator(text, next + 1) ? 2 : 1) positions.push(next);
  return positions;
}

/**
 * The digits that some Luhn-valid window of 13 to 19 digits covers, as [start, end) intervals in order.
 *
 * The Luhn check is repeated here, although `enrollment/identifiers.ts` has it for whole strings: this
 * module imports nothing of ours, and running sums make each of the seven windows per digit one subtraction.
 */
function panStretches(digits: readonly number[]): Array<[start: number, end: number]> {
  // sums[p][i]: the Luhn sum of the first i digits when those at positions of parity p are doubled.
  const sums: [number[], number[]] = [[0], [0]];
  digits.forEach((digit, i) => {
    const doubled = digit > 4 ? digit * 2 - 9 : digit * 2;
    sums[0].push((sums[0][i] ?? 0) + (i % 2 === 0 ? doubled : digit));
    sums[1].push((sums[1][i] ?? 0) + (i % 2 === 1 ? doubled : digit));
  });

  const stretches: Array<[number, number]> = [];
  for (let end = SHORTEST; end <= digits.length; end += 1) {
    const sum = sums[end % 2 === 0 ? 0 : 1]; // the last digit, at end - 1, is not doubled
    let start = Math.max(0, end - LONGEST);
    while (start <= end - SHORTEST && ((sum[end] ?? 0) - (sum[start] ?? 0)) % 10 !== 0) start += 1;
    if (start > end - SHORTEST) continue;
    for (let last = stretches.at(-1); last && last[1] > start; last = stretches.at(-1)) {
      start = Math.min(start, last[0]);
      stretches.pop();
    }
    stretches.push([start, end]);
  }
  return stretches;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function isSeparator(text: string, at: number): boolean {
  const char = text[at];
  return char === ' ' || char === '.' || char === '-';
}
