import { Injectable } from '@nestjs/common';
import { InvalidInput } from '#http';
import {
  PasswordCommon,
  type PasswordRuleError,
  PasswordNotText,
  PasswordPersonal,
  PasswordTooLong,
  PasswordTooShort,
} from './errors.js';
import { dictionary } from '@zxcvbn-ts/language-common';

export const MIN_PASSWORD_CHARACTERS = 8;
/** bcrypt silently ignores more bytes, so longer passwords are refused. */
export const MAX_PASSWORD_BYTES = 72;

/** Whose password it will be; what is known of them at that moment. */
export interface PasswordOwner {
  email?: string | null;
  username?: string | null;
}

/**
 * Which passwords are accepted. Length and a list, no composition rules: those make passwords worse
 * (NIST SP 800-63B, 5.1.1.2).
 */
@Injectable()
export class PasswordPolicy {
  /** Everything wrong with the password; empty when it may be used. Never throws. */
  check(password: string, owner: PasswordOwner = {}): PasswordRuleError[] {
    const errors: PasswordRuleError[] = [];
    if (!isWellFormedPassword(password)) errors.push(new PasswordNotText());
    if (passwordCharacters(password) < MIN_PASSWORD_CHARACTERS) {
      errors.push(new PasswordTooShort(MIN_PASSWORD_CHARACTERS));
    }
    if (passwordBytes(password) > MAX_PASSWORD_BYTES) errors.push(new PasswordTooLong(MAX_PASSWORD_BYTES));

    const folded = password.toLowerCase();
    if (commonPasswords.has(folded)) errors.push(new PasswordCommon());
    if (namesOf(owner).includes(folded)) errors.push(new PasswordPersonal());
    return errors;
  }

  /** @throws InvalidInput when the password must not be used; `field` is where it stood in the body */
  require(password: string, field: string, owner: PasswordOwner): void {
    const errors = this.check(password, owner);
    if (errors.length === 0) return;
    throw new InvalidInput(
      errors.map(({ code, message }) => ({
        loc: ['body', field],
        msg: message,
        type: code.replace('auth.', ''),
      })),
    );
  }
}

function namesOf({ email, username }: PasswordOwner): string[] {
  const localPart = email?.slice(0, email.lastIndexOf('@'));
  return [email, localPart, username].filter((name) => name != null).map((name) => name.toLowerCase());
}

/** What people use and attackers try first, from breaches, in lower case; those long enough to be asked for at all. */
export const commonPasswords: ReadonlySet<string> = new Set(
  dictionary['passwords-common'].filter((password) => password.length >= MIN_PASSWORD_CHARACTERS),
);

/**
 * Whether this is text that bcrypt tells apart from every other: NUL ends a C string, and lone surrogates all become
 * U+FFFD in UTF-8, so that different passwords would share a hash.
 */
export function isWellFormedPassword(password: string): boolean {
  return !password.includes('\0') && !/\p{Surrogate}/u.test(password);
}

/** Length as people count it, but for what they see as one character and Unicode does not. */
export function passwordCharacters(password: string): number {
  return [...password].length;
}

/** Length as bcrypt sees it. */
export function passwordBytes(password: string): number {
  return Buffer.byteLength(password, 'utf8');
}
