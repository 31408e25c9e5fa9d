import { Injectable } from '@nestjs/common';
import { InvalidInput, MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARACTERS } from '#http';
import { commonPasswords } from './common-passwords.js';
import {
  PasswordCommon,
  type PasswordRuleError,
  PasswordNotText,
  PasswordPersonal,
  PasswordTooLong,
  PasswordTooShort,
} from './password-rule-errors.js';
import { isWellFormedPassword, passwordBytes, passwordCharacters } from './password-text.js';

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
    const faults: PasswordRuleError[] = [];
    if (!isWellFormedPassword(password)) faults.push(new PasswordNotText());
    if (passwordCharacters(password) < MIN_PASSWORD_CHARACTERS) {
      faults.push(new PasswordTooShort(MIN_PASSWORD_CHARACTERS));
    }
    if (passwordBytes(password) > MAX_PASSWORD_BYTES) faults.push(new PasswordTooLong(MAX_PASSWORD_BYTES));

    const folded = password.toLowerCase();
    if (commonPasswords.has(folded)) faults.push(new PasswordCommon());
    if (namesOf(owner).includes(folded)) faults.push(new PasswordPersonal());
    return faults;
  }

  /** @throws InvalidInput when the password must not be used; `field` is where it stood in the body */
  require(password: string, field: string, owner: PasswordOwner): void {
    const faults = this.check(password, owner);
    if (faults.length === 0) return;
    throw new InvalidInput(
      faults.map(({ code, message }) => ({
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
