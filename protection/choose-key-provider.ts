import { commandKeyProvider } from './command-key-provider.js';
import { fileKeyProvider } from './file-key-provider.js';
import type { KeyProvider } from './key-provider.js';

/** `dataKeys` in the configuration: a file, or a command that prints the key ring. */
export type KeyProviderOptions =
  { path: string } | { command: readonly [string, ...string[]]; environment?: readonly string[] | undefined };

export function keyProvider(options: KeyProviderOptions): KeyProvider {
  return 'path' in options ? fileKeyProvider(options.path) : commandKeyProvider(options.command, options);
}
