/** The decimal digits of a script, by the character that is its zero. */
const inScript = (zero: string) => (text: string) =>
  text.replace(/\d/g, (digit) => String.fromCodePoint(zero.codePointAt(0)! + Number(digit)));
const percent = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');
const between = (separator: string) => (text: string) => [...text].join(separator);
const groups = (separator: string) => (text: string) => text.match(/.{1,4}/g)!.join(separator);
const groupsIn = (before: string, after: string, separator: string) => (text: string) =>
  text
    .match(/.{1,4}/g)!
    .map((group) => `${before}${group}${after}`)
    .join(separator);

/** How a number may be written so that people still read it. */
export const SPELLINGS: Record<string, (digits: string) => string> = {
  'as it is': (digits) => digits,
  'with spaces between groups': groups(' '),
  'with dashes between groups': groups('-'),
  'with dots between groups': groups('.'),
  'with slashes between groups': groups('/'),
  'with underscores between groups': groups('_'),
  'with colons between groups': groups(':'),
  'with commas between groups': groups(', '),
  'with pipes between groups': groups(' | '),
  'with dashes in spaces between groups': groups(' - '),
  'with three dashes between groups': groups('---'),
  'with line breaks between groups': groups('\r\n'),
  'with tabs between groups': groups('\t'),
  'with narrow spaces between groups': groups('\u202f'),
  'with soft hyphens between groups': groups('\u00ad'),
  'with long dashes between groups': groups(' – '),
  'with bullets between groups': groups(' • '),
  'with emoji between groups': groups('💳'),
  'with encoded spaces between groups': groups('%20'),
  'with encoded dashes between groups': groups('%2d'),
  'with encoded narrow spaces between groups': groups('%E2%80%AF'),
  'with spaces encoded twice between groups': groups('%2520'),
  'in quoted groups': groupsIn('"', '"', ' '),
  'as a list in JSON': groupsIn('"', '"', ', '),
  'as a list in JSON in JSON': groupsIn('\\"', '\\"', ', '),
  'in bracketed groups': groupsIn('(', ')', ' '),
  'in lists of lists': groupsIn('[', ']', ', '),
  'with spaces between digits': between(' '),
  'with commas between digits': between(', '),
  'with zero-width spaces between digits': between('\u200b'),
  'with combining marks': between('\u0332'),
  percent: percent,
  'percent in lower case': (digits) => percent(digits).toLowerCase(),
  'percent twice': (digits) => percent(digits).replaceAll('%', '%25'),
  'in full width': inScript('０'),
  'in full width, percent': (digits) => percent(inScript('０')(digits)),
  'in Arabic-Indic digits': inScript('٠'),
  'in Devanagari digits, in groups': (digits) => groups(' ')(inScript('०')(digits)),
  'in mathematical digits': inScript('𝟎'),
  'in superscript digits': (digits) => digits.replace(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit))),
  'in circled digits': (digits) => digits.replace(/\d/g, (digit) => '⓪①②③④⑤⑥⑦⑧⑨'.charAt(Number(digit))),
};
