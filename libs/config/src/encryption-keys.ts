import { createSecretKey, type KeyObject } from 'node:crypto';
import { type Format, FormatError } from './format.js';

/** For AES-256. */
const KEY_BYTES = 32;

const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;

/** `key,key2`: the newest first. As key objects, which no log and no inspection prints, and nobody can change. */
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
