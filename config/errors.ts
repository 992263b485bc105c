import type { Problem } from '../enrollment/schema-problems.js';

/** The configuration cannot be used. The message has every problem by path, and no value of the file. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIGURATION_INVALID';

  constructor(
    /** The configuration file. */
    readonly file: string,
    readonly issues: readonly Problem[],
  ) {
    super(
      `the configuration ${file} cannot be used:` +
        issues.map(({ path, message }) => `\n  ${path ? `${path}: ` : ''}${message}`).join(''),
    );
  }
}

/** What to say when nobody answers at Temporal's address. */
export function temporalUnreachable(address: string): string {
  return `Temporal cannot be reached at ${address}: is it running, and is TEMPORAL_ADDRESS right?`;
}
