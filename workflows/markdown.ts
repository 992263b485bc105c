import { printableLine } from '../protection/printable.js';

/** What Markdown takes for more than a word; an underscore within one is none. */
const MARKUP = /[\\`*[\]<>&~|#!]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g;
/** What begins a list, a heading or a rule at the beginning of a line. */
const BLOCK = /^(\d*)(?=[-+=.)])/;
/** What readers of Markdown make a link of, also where its punctuation is escaped. */
const ADDRESS = /:\/\/|www\.|@|mailto:|xmpp:/i;

/** A text that c2p did not write, as words on one line: no heading, link, image or HTML; an address is code. */
export function words(text: string): string {
  const escaped = printableLine(text)
    .trim()
    .split(' ')
    .map((word) => (ADDRESS.test(word) ? code(word) : word.replace(MARKUP, '\\$&')));
  return escaped.join(' ').replace(BLOCK, '$1\\');
}

/** A text as code: nothing in it is Markdown. */
export function code(text: string): string {
  return `\`${printableLine(text).replaceAll('`', "'") || ' '}\``;
}
