import { describe, expect, it } from 'vitest';
import { printable, printableJson, printableLine } from '../../protection/printable.js';
import { TERMINAL_COMMANDS, UNPRINTABLE } from '../support/hostile-texts.js';

describe('what a terminal can be given', () => {
  it.each(TERMINAL_COMMANDS)('holds nothing that a terminal would obey of %j', (command) => {
    const shown = printable(`before${command}after\nnext line`);
    expect(shown).not.toMatch(UNPRINTABLE);
    expect(shown).toMatch(/^before.+after\nnext line$/);
  });

  it('shows a control character by its picture, and an invisible one by a mark', () => {
    expect(printable('a\u001b[31mb\u007f\u202ec\u{e0041}')).toBe('a␛[31mb␡�c�');
  });

  it('is on one line where the text of somebody else could begin another', () => {
    expect(printableLine('COMPLETED\nc2p: all is well')).toBe('COMPLETED␊c2p: all is well');
  });

  it('leaves words of any script as they are', () => {
    const text = 'Łódź, 東京, ελληνικά, עברית, 👩 — ✓';
    expect(printable(text)).toBe(text);
  });

  it.each(TERMINAL_COMMANDS)('of JSON has no raw %j, and means the same', (command) => {
    const value = { text: command, [command]: [command] };
    const json = printableJson(JSON.stringify(value, null, 2));
    expect(json).not.toMatch(UNPRINTABLE);
    expect(JSON.parse(json)).toEqual(value);
  });
});
