import { hash, randomBytes } from 'node:crypto';

const COUNT = 10;
/** At five bits each, 120 bits: a plain hash of fewer than 112 is not enough for OWASP ASVS 5, 6.5.2. */
const CHARACTERS = 24;
/** Crockford's base 32: no letter that looks like a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const CODE = new RegExp(`^[${ALPHABET}]{${CHARACTERS}}$`);

/** For the day on which the authenticator app is lost: `xxxx-xxxx-xxxx-xxxx-xxxx-xxxx`. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: COUNT }, () => {
    const letters = Array.from(randomBytes(CHARACTERS), (byte) => ALPHABET[byte & 31]).join('');
    return letters.match(/.{4}/g)!.join('-');
  });
}

/**
 * What is stored of one. SHA-256 and no bcrypt: nobody goes through 2^120 of them, so there is nothing to slow down, and
 * ten bcrypts would cost each wrong code seconds.
 *
 * @param code as given, whatever its case, dashes and spaces; o, i and l count as the digits that they look like
 * @returns `undefined`: it is no recovery code at all
 */
export function recoveryCodeHash(code: string): Buffer | undefined {
  const letters = code.toLowerCase().replace(/[\s-]/g, '').replace(/o/g, '0').replace(/[il]/g, '1');
  return CODE.test(letters) ? hash('sha256', letters, 'buffer') : undefined;
}
