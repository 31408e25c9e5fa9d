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

/** What is known about the future owner of the password. */
export interface PasswordOwner {
  email?: string | null;
  username?: string | null;
}

/**
 * Accepts passwords by length and a list of common ones. No composition rules: they make passwords worse (NIST SP
 * 800-63B, 5.1.1.2).
 */
@Injectable()
export class PasswordPolicy {
  /** All broken rules; empty for an acceptable password. Never throws. */
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

  /** @throws InvalidInput for a refused password; `field` is its name in the body */
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

/** Passwords that attackers try first, from breaches, in lower case; only those of at least the required length. */
export const commonPasswords: ReadonlySet<string> = new Set(
  dictionary['passwords-common'].filter((password) => password.length >= MIN_PASSWORD_CHARACTERS),
);

/**
 * Whether bcrypt can tell the password from all others: NUL ends a C string, and lone surrogates all become U+FFFD in
 * UTF-8, so different passwords would share a hash.
 */
export function isWellFormedPassword(password: string): boolean {
  return !password.includes('\0') && !/\p{Surrogate}/u.test(password);
}

/** Length in code points. */
export function passwordCharacters(password: string): number {
  return [...password].length;
}

/** Length in bytes, as bcrypt counts. */
export function passwordBytes(password: string): number {
  return Buffer.byteLength(password, 'utf8');
}
