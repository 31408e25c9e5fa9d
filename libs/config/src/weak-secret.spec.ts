import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isWeakSecret } from './weak-secret.js';

describe('isWeakSecret', () => {
  it.each([
    ['31 bytes', 'Zk3v9QpL0aWx7RtY2mNc5BsD8fGh1Ju'],
    ['secret', 'secret'],
    ['changeme, four times', 'changeme'.repeat(4)],
    ['change_me, padded', 'change_me_Zk3v9QpL0aWx7RtY2mNc5BsD8fGh1JuE'],
    ['one character', 'a'.repeat(64)],
    ['few characters', 'ab01'.repeat(5) + 'ba10'.repeat(5) + 'cd'],
    ['a repeated unit, the last one cut', 'Qx7!mP2zR&'.repeat(4).slice(0, 37)],
    ["jwt.io's", 'your-256-bit-secret-your-256-bit-secret'],
    ["jwt.io's newer one", 'a-string-secret-at-least-256-bits-long'],
    ['jwt_secret, padded', 'jwt_secret_x9Kq2mVb7Lp4Zt8Rw1Yd6'],
    ['upper case', 'MY_SUPER_SECRET_KEY_FOR_PRODUCTION'],
    ['counting', '0123456789abcdefFEDCBA9876543210'],
    ["the FastAPI tutorial's", '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7'],
  ])('refuses %s', (_what, secret) => {
    expect(isWeakSecret(secret)).toBe(true);
  });

  it.each(['hex', 'base64', 'base64url'] as const)('takes random bytes in %s', (encoding) => {
    for (let round = 0; round < 500; round += 1) {
      expect(isWeakSecret(randomBytes(32).toString(encoding))).toBe(false);
    }
  });

  it('counts bytes, not characters', () => {
    expect(isWeakSecret('äöüßéèêñçøåœæðþđ')).toBe(false);
  });
});
