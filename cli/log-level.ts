import { InvalidArgumentError } from 'commander';
import { levels, type Level } from 'pino';

/**
 * The least important level that is logged, from `C2P_LOG_LEVEL`; `info` by default.
 * @throws InvalidArgumentError for a level that does not exist.
 */
export function logLevel(env: NodeJS.ProcessEnv = process.env): Level | 'silent' {
  const level = env['C2P_LOG_LEVEL'] || 'info';
  if (level === 'silent' || level in levels.values) return level as Level | 'silent';
  throw new InvalidArgumentError(
    `C2P_LOG_LEVEL must be one of ${Object.keys(levels.values).join(', ')}, silent`,
  );
}
