/** What makes a terminal do something: clear itself, take another title, end a link, show text backwards or hide it. */
export const TERMINAL_COMMANDS = [
  '\u001b[2J\u001b[H',
  '\u001b]0;title\u0007',
  '\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\',
  '\u009b31m',
  '\u0007\u0008\u007f',
  '\r',
  '\u202e\u2066\u061c',
  '\u200b\ufeff\u{e0041}',
  '\u2028\u2029\u0085',
] as const;

/** Characters that no line of a terminal may have, but for those that a spinner draws with. */
export const UNPRINTABLE = /[^\P{C}\n]|[\u2028\u2029]/u;
