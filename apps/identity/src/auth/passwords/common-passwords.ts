import { dictionary } from '@zxcvbn-ts/language-common';

/** What people use and attackers try first, from breaches, in lower case; those long enough to be asked for at all. */
export const commonPasswords: ReadonlySet<string> = new Set(
  dictionary['passwords-common'].filter((password) => password.length >= 8),
);
