import type { C2pConfig } from '../config/config.js';
import { ConfigError } from '../config/errors.js';
import { loadConfig } from '../config/load.js';
import { CHECKS, findings, type Finding } from './finding.js';

/**
 * Whether the configuration can be read: every problem of it is a finding. Where it cannot, so is
 * everything that was not looked at for that.
 * @param path as for `loadConfig`
 */
export async function checkConfiguration(
  path?: string,
): Promise<{ config?: C2pConfig; findings: [Finding, ...Finding[]] }> {
  const { ok, failed } = findings('configuration');
  try {
    const config = await loadConfig(path);
    const programs = Object.entries(config.programs)
      .map(([name, { api, apiFile }]) => `${name} (API: ${apiFile ?? api.name})`)
      .join(', ');
    return { config, findings: [ok(`${config.path}, programs: ${programs}`)] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const todo = 'docs/configuration.md says what belongs there';
    const [first, ...others] = error.issues.map((issue) =>
      failed(`${error.file}: ${issue.path ? `${issue.path}: ` : ''}${issue.message}`, todo),
    );
    const rest = CHECKS.filter((check) => check !== 'configuration');
    const skipped = rest.map((check) => findings(check).skipped('the configuration cannot be used'));
    return { findings: [first ?? failed(error.message, todo), ...others, ...skipped] };
  }
}
