/** The decimal digits of a script, by the character that is its zero. */
const inScript = (zero: string) => (text: string) =>
  text.replace(/\d/g, (digit) => String.fromCodePoint(zero.codePointAt(0)! + Number(digit)));
const percent = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');
const between = (separator: string) => (text: string) => [...text].join(separator);
const hexOf = (text: string) => [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, '0'));
const codesOf = (text: string) => [...text].map((character) => character.codePointAt(0)!);
/** Letters and digits of ASCII, by the characters of another alphabet that stand for `A`, `a` and `0`. */
const inAlphabet = (capital: string, small: string, zero: string) => (text: string) =>
  text.replace(/[A-Za-z0-9]/g, (character) => {
    const [first, of] = /\d/.test(character)
      ? ['0', zero]
      : /[A-Z]/.test(character)
        ? ['A', capital]
        : ['a', small];
    return String.fromCodePoint(of.codePointAt(0)! + character.charCodeAt(0) - first.charCodeAt(0));
  });
const groups = (separator: string) => (text: string) => text.match(/.{1,4}/g)!.join(separator);
const groupsIn = (before: string, after: string, separator: string) => (text: string) =>
  text
    .match(/.{1,4}/g)!
    .map((group) => `${before}${group}${after}`)
    .join(separator);

/** How a number may be written so that people still read it. */
export const NUMBER_SPELLINGS: Record<string, (digits: string) => string> = {
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

/** How any other text may be written so that a program, or a patient person, still reads it. */
export const TEXT_SPELLINGS: Record<string, (text: string) => string> = {
  'as it is': (text) => text,
  'in capitals': (text) => text.toUpperCase(),
  'in small letters': (text) => text.toLowerCase(),
  backwards: (text) => [...text].reverse().join(''),
  'with accents apart': (text) => text.normalize('NFD'),
  'with accents joined': (text) => text.normalize('NFC'),
  'without accents': (text) => text.normalize('NFD').replace(/\p{M}/gu, ''),
  'in full width': (text) =>
    text.replace(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)),
  'in mathematical letters': inAlphabet('𝐀', '𝐚', '𝟎'),
  'in circled letters': inAlphabet('Ⓐ', 'ⓐ', '⓪'),
  'as ROT13': (text) =>
    text.replace(/[a-z]/gi, (letter) => {
      const code = letter.charCodeAt(0);
      return String.fromCharCode(code + ((code & 31) <= 13 ? 13 : -13));
    }),
  'UTF-8 read as Latin-1': (text) => Buffer.from(text).toString('latin1'),
  percent: percent,
  'percent in lower case': (text) => percent(text).toLowerCase(),
  'percent twice': (text) => percent(text).replaceAll('%', '%25'),
  'as a field of a form': (text) => String(new URLSearchParams({ '': text })).slice(1),
  'escaped in JSON': (text) =>
    codesOfUtf16(text)
      .map((code) => `\\u${code}`)
      .join(''),
  'escaped in JSON, capitals': (text) =>
    codesOfUtf16(text)
      .map((code) => `\\u${code.toUpperCase()}`)
      .join(''),
  'escaped in JSON in JSON': (text) =>
    codesOfUtf16(text)
      .map((code) => `\\\\u${code}`)
      .join(''),
  'escaped by code point': (text) =>
    codesOf(text)
      .map((code) => `\\u{${code.toString(16)}}`)
      .join(''),
  'as code points': (text) =>
    codesOf(text)
      .map((code) => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`)
      .join(' '),
  'as bytes of C': (text) =>
    hexOf(text)
      .map((byte) => `\\x${byte}`)
      .join(''),
  'as octal bytes of C': (text) =>
    [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
  'as bytes of PostgreSQL': (text) => `\\x${hexOf(text).join('')}`,
  'as hex in pairs': (text) => hexOf(text).join(' '),
  'as hex with colons': (text) => hexOf(text).join(':'),
  'as hex in a list': (text) =>
    hexOf(text)
      .map((byte) => `0x${byte}`)
      .join(', '),
  'as bytes in a list': (text) => [...Buffer.from(text)].join(', '),
  'as bytes in lines': (text) => [...Buffer.from(text)].join(',\n'),
  'in bits': (text) => [...Buffer.from(text)].map((byte) => byte.toString(2).padStart(8, '0')).join(''),
  'quoted-printable': (text) =>
    hexOf(text)
      .map((byte) => `=${byte.toUpperCase()}`)
      .join(''),
  'as HTML in decimal': (text) =>
    codesOf(text)
      .map((code) => `&#${code};`)
      .join(''),
  'as HTML in hex': (text) =>
    codesOf(text)
      .map((code) => `&#x${code.toString(16)};`)
      .join(''),
  'as HTML beyond ASCII': (text) => text.replace(/[^\0-\x7f]/gu, (one) => `&#${one.codePointAt(0)};`),
  'with spaces between letters': between(' '),
  'with dots between letters': between('.'),
  'with dashes between letters': between('-'),
  'with line breaks between letters': between('\n'),
  'with zero-width spaces between letters': between('\u200b'),
  'with soft hyphens between letters': between('\u00ad'),
  'with combining marks': between('\u0332'),
};

function codesOfUtf16(text: string): string[] {
  return [...Buffer.from(text, 'utf16le').swap16().toString('hex').match(/.{4}/g)!];
}
