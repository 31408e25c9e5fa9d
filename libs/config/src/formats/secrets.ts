import { type Format, FormatError } from './format.js';
import { createSecretKey, type KeyObject } from 'node:crypto';

const MIN_BYTES = 32;

const MIN_DISTINCT_CHARACTERS = 8;

const LONGEST_REPEATED_UNIT = 16;

/** Words (letters and digits only) that stand in example secrets, and in a random one once in millions. */
const EXAMPLE_WORDS = [
  'secret',
  'changeme',
  'changethis',
  'replaceme',
  'replacethis',
  'password',
  'example',
  'default',
  'insecure',
  'placeholder',
  'development',
  'keyboardcat',
  'qwerty',
  'jwtkey',
  '12345678',
  '01234567',
  'abcdefgh',
  // From the FastAPI tutorial, copied into many a service.
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
];

/** What a production secret must be, to follow "expected". */
export const STRONG_SECRET =
  `at least ${MIN_BYTES} random bytes, no repetition and no example ` +
  '(in production), such as `openssl rand -base64 48` prints';

/**
 * Whether a secret can be guessed: it is shorter than 32 bytes (RFC 7518, section 3.2, for HS256), repeats
 * a few characters, or holds a word that only an example would.
 */
export function isWeakSecret(secret: string): boolean {
  return Buffer.byteLength(secret) < MIN_BYTES || isRepetition(secret) || isExample(secret);
}

function isRepetition(secret: string): boolean {
  if (new Set(secret).size < MIN_DISTINCT_CHARACTERS) return true;
  const longest = Math.min(LONGEST_REPEATED_UNIT, Math.floor(secret.length / 2));
  for (let unit = 1; unit <= longest; unit += 1) {
    if (secret.startsWith(secret.slice(unit))) return true;
  }
  return false;
}

function isExample(secret: string): boolean {
  const bare = secret.toLowerCase().replace(/[^a-z0-9]/g, '');
  return EXAMPLE_WORDS.some((word) => bare.includes(word));
}

/** `secret,secret2`: at least one, in the order given. White space around each is not a part of it. */
export function secretList(each: string): Format<readonly string[]> {
  return {
    expects: `a comma-separated list of secrets without commas in them, each ${each}`,
    parse(text) {
      if (text.trim() === '') throw new FormatError('it is blank');
      const secrets = text.split(',').map((secret) => secret.trim());
      for (const [index, secret] of secrets.entries()) {
        if (secret === '') throw new FormatError(`item ${index + 1} is blank`);
        if (secrets.indexOf(secret) < index)
          throw new FormatError(`item ${index + 1} is the same as another`);
      }
      return secrets;
    },
  };
}

/** For AES-256. */
const KEY_BYTES = 32;

const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;

/** `key,key2`: the newest first. Key objects are immutable, and no log or inspection prints them. */
export const encryptionKeys: Format<readonly KeyObject[]> = {
  expects:
    `a comma-separated list of keys of ${KEY_BYTES} bytes, each in base64 or hexadecimal, ` +
    'such as `openssl rand -base64 32` prints',
  parse(text) {
    if (text.trim() === '') throw new FormatError('it is blank');
    const keys: KeyObject[] = [];
    for (const [index, item] of text.split(',').entries()) {
      const key = keyOf(item.trim());
      if (!key) throw new FormatError(`item ${index + 1} is no such key`);
      if (keys.some((other) => other.equals(key)))
        throw new FormatError(`item ${index + 1} is the same as another`);
      keys.push(key);
    }
    return keys;
  },
};

function keyOf(text: string): KeyObject | undefined {
  if (HEX.test(text)) return createSecretKey(text, 'hex');
  if (BASE64.test(text)) return createSecretKey(text, 'base64');
  return undefined;
}
