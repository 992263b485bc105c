import type { Problem } from '../enrollment/schema-problems.js';
import type { HttpProxy } from '../protection/proxy.js';

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
export function temporalUnreachable({
  address,
  proxy,
}: {
  address: string;
  proxy: HttpProxy | undefined;
}): string {
  const way = proxy ? ` by ${proxy.named}` : '';
  const variables = proxy ? 'are TEMPORAL_ADDRESS and NO_PROXY' : 'is TEMPORAL_ADDRESS';
  return `Temporal cannot be reached at ${address}${way}: is it running, and ${variables} right?`;
}
