import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { encryptionKeys, isWeakSecret, secretList } from './secrets.js';
import { inspect } from 'node:util';

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
  ])('isWeakSecret is true for %s', (_what, secret) => {
    expect(isWeakSecret(secret)).toBe(true);
  });

  it.each(['hex', 'base64', 'base64url'] as const)(
    'isWeakSecret is false for random bytes in %s',
    (encoding) => {
      for (let round = 0; round < 500; round += 1) {
        expect(isWeakSecret(randomBytes(32).toString(encoding))).toBe(false);
      }
    },
  );

  it('isWeakSecret counts bytes, not characters', () => {
    expect(isWeakSecret('äöüßéèêñçøåœæðþđ')).toBe(false);
  });
});

const format = secretList('one of them long');

describe('secretList', () => {
  it.each([
    ['one', ['one']],
    ['a+b/c==,d-e_f', ['a+b/c==', 'd-e_f']],
    [' new ,\n old\n', ['new', 'old']],
    ['with a space', ['with a space']],
  ])('secretList reads %j in the order given', (text, secrets) => {
    expect(format.parse(text)).toEqual(secrets);
  });

  it.each([
    [' ', 'it is blank'],
    ['a,', 'item 2 is blank'],
    [',a', 'item 1 is blank'],
    ['a,,b', 'item 2 is blank'],
    ['a,b, a', 'item 3 is the same as another'],
  ])('secretList refuses %j, and says why', (text, hint) => {
    expect(() => format.parse(text)).toThrow(hint);
  });
});

const [one, other] = [randomBytes(32), randomBytes(32)];

describe('encryptionKeys', () => {
  it('encryptionKeys reads keys in base64 and hexadecimal, in the order given', () => {
    const text = ` ${one.toString('base64')} ,\n${other.toString('hex').toUpperCase()}`;
    expect(encryptionKeys.parse(text).map((key) => key.export())).toEqual([one, other]);
  });

  it('encryptionKeys returns keys that print no secret', () => {
    const printed = inspect(encryptionKeys.parse(one.toString('base64')), { depth: 9, showHidden: true });
    expect(printed).not.toContain(one.toString('base64'));
    expect(printed).not.toContain(one.toString('hex'));
  });

  it.each([
    [' ', 'it is blank'],
    [`${one.toString('base64')},`, 'item 2 is no such key'],
    [randomBytes(31).toString('base64'), 'item 1 is no such key'],
    [randomBytes(33).toString('hex'), 'item 1 is no such key'],
    ['correct horse battery staple of thirty-two!!', 'item 1 is no such key'],
    [`${one.toString('base64')},${one.toString('hex')}`, 'item 2 is the same as another'],
  ])('encryptionKeys refuses %j, and says why', (text, hint) => {
    expect(() => encryptionKeys.parse(text)).toThrow(hint);
  });
});
