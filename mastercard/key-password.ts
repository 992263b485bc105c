import { KeyError } from './key-material.js';

/**
 * A signing key's file is encrypted, and this password does not open it.
 *
 * One that ends in a line break is used as it stands, though mostly that is a slip: a password may end so, and with
 * one that is silently cut the same file opens here and nowhere else.
 * @param password undefined where `signingKey.passwordEnv` is not set.
 */
export function wrongPassword(path: string, password: string | undefined): KeyError {
  if (password === undefined)
    return new KeyError(
      'KEY_PASSWORD_WRONG',
      `${path}: the file is encrypted, and signingKey.passwordEnv is not set; set it to the name of an environment ` +
        'variable with the password',
    );
  const hint = /[\r\n]$/.test(password)
    ? 'it ends in a line break, which counts: set the variable that signingKey.passwordEnv names without one'
    : 'check the variable that signingKey.passwordEnv names';
  return new KeyError('KEY_PASSWORD_WRONG', `${path}: the password does not open the file; ${hint}`);
}
