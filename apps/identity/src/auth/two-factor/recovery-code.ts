import { hash, randomBytes } from 'node:crypto';

const COUNT = 10;
/** Five bits each, 120 in all: OWASP ASVS 5, 6.5.2, requires 112 for a plain hash. */
const CHARACTERS = 24;
/** Crockford's base32: no letters that look like digits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const CODE = new RegExp(`^[${ALPHABET}]{${CHARACTERS}}$`);

/** For users who have lost the authenticator app: `xxxx-xxxx-xxxx-xxxx-xxxx-xxxx`. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: COUNT }, () => {
    const letters = Array.from(randomBytes(CHARACTERS), (byte) => ALPHABET[byte & 31]).join('');
    return letters.match(/.{4}/g)!.join('-');
  });
}

/**
 * The stored form. SHA-256 rather than bcrypt: 2^120 codes cannot be searched, and ten bcrypt comparisons per wrong
 * code would take seconds.
 *
 * @param code as typed: case, dashes and spaces are ignored; o, i and l count as the digits they look like
 * @returns `undefined` if it is not a recovery code
 */
export function recoveryCodeHash(code: string): Buffer | undefined {
  const letters = code.toLowerCase().replace(/[\s-]/g, '').replace(/o/g, '0').replace(/[il]/g, '1');
  return CODE.test(letters) ? hash('sha256', letters, 'buffer') : undefined;
}
