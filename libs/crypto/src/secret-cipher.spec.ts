import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type Purpose, SecretCipher, UnknownEncryptionKey, UnreadableSecret } from './secret-cipher.js';

const aKey = (): KeyObject => createSecretKey(randomBytes(32));
const KEY = aKey();
const ADA: Purpose = { userId: '0190d6f0-7a3c-7b3e-9d2a-ba9876543210', use: 'a test' };
const SECRET = Buffer.from('twenty bytes of what');
const box = new SecretCipher([KEY]);
const sealed = box.encrypt(SECRET, ADA);

describe('SecretCipher', () => {
  it('SecretCipher decrypts what it encrypted for the same purpose, at any length', () => {
    expect(box.decrypt(sealed, ADA)).toEqual(SECRET);
    for (const length of [0, 1, 16, 200]) {
      const secret = randomBytes(length);
      expect(box.decrypt(box.encrypt(secret, ADA), ADA)).toEqual(secret);
    }
  });

  it('SecretCipher hides the secret, and encrypts it differently each time', () => {
    expect(sealed.includes(SECRET)).toBe(false);
    const envelopes = Array.from({ length: 50 }, () => box.encrypt(SECRET, ADA));
    expect(new Set(envelopes.map((each) => each.subarray(9, 21).toString('hex'))).size).toBe(50);
    expect(new Set(envelopes.map((each) => each.subarray(21).toString('hex'))).size).toBe(50);
  });

  it('SecretCipher refuses an envelope with any single bit flipped', () => {
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const isOfTheKeyId = bit >= 8 && bit < 72;
      expect(() => box.decrypt(flipped, ADA)).toThrow(isOfTheKeyId ? UnknownEncryptionKey : UnreadableSecret);
    }
  });

  it('SecretCipher refuses an envelope that is cut, lengthened or empty', () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(() => box.decrypt(sealed.subarray(0, length), ADA)).toThrow(UnreadableSecret);
    }
    expect(() => box.decrypt(Buffer.concat([sealed, Buffer.of(0)]), ADA)).toThrow(UnreadableSecret);
  });

  it('SecretCipher refuses an envelope of another user or another use', () => {
    const others: Purpose[] = [
      { ...ADA, userId: '0190d6f0-7a3c-7b3e-9d2a-ba9876543211' },
      { ...ADA, use: 'another test' },
      { userId: '', use: `${ADA.use}\0${ADA.userId}` },
    ];
    for (const other of others) expect(() => box.decrypt(sealed, other)).toThrow(UnreadableSecret);
  });

  it('SecretCipher decrypts with an older key while it is listed, and reports the envelope as outdated', () => {
    const newer = aKey();
    const both = new SecretCipher([newer, KEY]);
    expect(both.decrypt(sealed, ADA)).toEqual(SECRET);
    expect(both.isOutdated(sealed)).toBe(true);
    const anew = both.encrypt(SECRET, ADA);
    expect(both.isOutdated(anew)).toBe(false);
    expect(new SecretCipher([newer]).decrypt(anew, ADA)).toEqual(SECRET);
    expect(box.isOutdated(sealed)).toBe(false);
  });

  it('SecretCipher names the id of an unknown key, and neither key nor secret', () => {
    const fault = (() => {
      try {
        return new SecretCipher([aKey()]).decrypt(sealed, ADA);
      } catch (error) {
        return error as Error;
      }
    })();
    expect(fault).toBeInstanceOf(UnknownEncryptionKey);
    const { message } = fault as Error;
    expect(message).toContain(sealed.toString('hex', 1, 9));
    expect(message).not.toContain(KEY.export().toString('hex').slice(0, 8));
  });
});
