import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TERMINAL_COMMANDS, UNPRINTABLE } from '../support/hostile-texts.js';
import { createLogger, maskLogLine } from '../../protection/logger.js';

const PAN = '5186001700009726';

/** 13 digits, with single separators between them or none. */
const LONG_ENOUGH_FOR_A_PAN = /\d(?:[ .-]?\d){12}/;

function recordingLogger(level: 'debug' | 'warn' = 'debug') {
  const lines: string[] = [];
  const logger = createLogger({
    level,
    name: 'test',
    destination: { write: (line) => void lines.push(line) },
  });
  return { logger, lines, entries: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('createLogger', () => {
  it('writes one line of JSON an entry, with level, name and an ISO time', () => {
    const { logger, lines, entries } = recordingLogger();
    logger.info({ batch: 'b-1' }, 'submitted');
    expect(lines[0]).toMatch(/\n$/);
    expect(entries()).toEqual([
      expect.objectContaining({ level: 'info', name: 'test', batch: 'b-1', msg: 'submitted' }),
    ]);
    expect(entries()[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('writes nothing below its level', () => {
    const { logger, lines } = recordingLogger('warn');
    logger.info('quiet');
    expect(lines).toEqual([]);
  });

  it('lets no card number through, whether in message, bindings, names, numbers, errors or their causes', () => {
    const { logger, lines, entries } = recordingLogger();
    const error = new Error(`outer ${PAN}`, { cause: new Error(`inner ${PAN}`) });
    logger.info(`card ${PAN} and 5186 0017 0000 9726`);
    logger.child({ binding: PAN, deep: { er: [{ [PAN]: PAN }] } }).warn({ amount: Number(PAN) }, 'x');
    logger.error({ err: error, error }, 'failed');
    logger.error(new AggregateError([error], PAN));
    expect(lines.join('')).not.toMatch(/5186 ?0017/);
    expect(entries()).toHaveLength(4);
    expect(entries()[0]?.['msg']).toBe('card ************9726 and **** **** **** 9726');
  });

  it.each(TERMINAL_COMMANDS)('writes nothing that a terminal would obey of %j', (command) => {
    const { logger, lines, entries } = recordingLogger();
    logger.info({ [command]: { said: command }, err: new Error(command) }, command);
    for (const line of lines) expect(line).not.toMatch(UNPRINTABLE);
    // Not even where a reader takes the JSON apart, as `pino-pretty` does.
    expect(JSON.stringify(entries()).replace(/\\n/g, '')).not.toMatch(/\\u00|\\[bfrt]/);
  });

  it('redacts cardholder data and secrets by name at any depth', () => {
    const { logger, lines, entries } = recordingLogger();
    const consumer = {
      emailAddress: 'ana@example.com',
      firstName: 'Ana',
      mobileNumber: { phoneNumber: '555' },
    };
    logger.info(
      { request: { headers: { Authorization: 'OAuth x' }, body: { list: [{ consumer }] } } },
      'sent',
    );
    // The time of the line may have any digits.
    expect(JSON.stringify(entries()[0]!['request'])).not.toMatch(/ana@|Ana|555|OAuth/);
    expect(lines.join('')).toContain('"Authorization":"[redacted]"');
  });

  it('keeps counts, which are no cardholder data', () => {
    const { logger, entries } = recordingLogger();
    logger.info({ records: 25, cards: 30 }, 'validated');
    expect(entries()[0]).toMatchObject({ records: 25, cards: 30 });
  });
});

describe('maskLogLine', () => {
  it('gives JSON for JSON, with nothing but masked digits, masked addresses and redacted fields changed', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const masked = maskLogLine(json);
        expect(() => JSON.parse(masked) as unknown).not.toThrow();
        if (!LONG_ENOUGH_FOR_A_PAN.test(json) && !json.includes('@'))
          expect(JSON.parse(masked)).toEqual(JSON.parse(json));
      }),
    );
  });

  it('masks a card number after an escape sequence, whose digits are none of it', () => {
    expect(JSON.parse(maskLogLine(JSON.stringify(`\u0001${PAN}`)))).toBe('␁************9726');
  });

  it('masks a line that is not JSON as text', () => {
    expect(maskLogLine(`npm: ${PAN}\n`)).toBe('npm: ************9726\n');
  });
});
