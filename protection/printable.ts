/**
 * What moves a terminal rather than being shown by it: control characters, with which escape sequences begin,
 * and invisible ones, some of which turn the direction of the text after them.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * A text of others for a terminal or a log: each control character is its picture (`␛`), each invisible one `�`.
 * Neither is a letter or a digit, so that what searches for card numbers afterwards finds what it found before.
 * Line ends stay.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => (character === '\n' ? character : pictureOf(character)));
}

/** `printable` of what must stay one line, so that it cannot pretend to be two. */
export function printableLine(text: string): string {
  return text.replace(UNPRINTABLE, pictureOf);
}

/** JSON that a terminal shows as it is, and that means the same: what it would obey is escaped. */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) => (character === '\n' ? character : escapeOf(character)));
}

function pictureOf(character: string): string {
  const code = character.charCodeAt(0);
  if (code === 0x7f) return '␡';
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : '�';
}

/** In JSON a control character can only stand within a string. */
function escapeOf(character: string): string {
  let escaped = '';
  for (let at = 0; at < character.length; at += 1)
    escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return escaped;
}
