import { describe, expect, it } from '@jest/globals';
import { commonPasswords, type PasswordOwner, PasswordPolicy } from './password-policy.js';

const codesFor = (password: string, owner?: PasswordOwner): string[] =>
  new PasswordPolicy().check(password, owner).map(({ code }) => code);

describe('PasswordPolicy', () => {
  it('PasswordPolicy asks for no digits, capitals or signs', () => {
    expect(codesFor('wobbly teapot')).toEqual([]);
    expect(codesFor('        x')).toEqual([]);
  });

  it('PasswordPolicy counts characters at the lower end, 8, and bytes of UTF-8 at the upper, 72', () => {
    expect(codesFor('')).toEqual(['auth.password_too_short']);
    expect(codesFor('qzjwvxk')).toEqual(['auth.password_too_short']);
    expect(codesFor('qzjwvxkp')).toEqual([]);
    expect(codesFor('漢'.repeat(7))).toEqual(['auth.password_too_short']);
    expect(codesFor('🔑'.repeat(7))).toEqual(['auth.password_too_short']);
    expect(codesFor('漢'.repeat(24))).toEqual([]);
    expect(codesFor('漢'.repeat(24) + 'x')).toEqual(['auth.password_too_long']);
    expect(codesFor('x'.repeat(72))).toEqual([]);
    expect(codesFor('x'.repeat(73))).toEqual(['auth.password_too_long']);
  });

  it('PasswordPolicy refuses NUL and lone surrogates, but no other character', () => {
    expect(codesFor('wobbly\0teapot')).toEqual(['auth.password_not_text']);
    expect(codesFor('wobbly\ud83dteapot')).toEqual(['auth.password_not_text']);
    expect(codesFor('wobbly😀\n\tteapot')).toEqual([]);
  });

  it.each(['password', 'PassWord123', 'QWERTYUIOP', '1q2w3e4r', 'iloveyou', 'P@ssw0rd'])(
    'PasswordPolicy refuses the common %s',
    (p) => {
      expect(codesFor(p)).toEqual(['auth.password_common']);
    },
  );

  it("PasswordPolicy refuses the owner's email, its local part and the username, in any case", () => {
    const owner = { email: 'Wilhelmina@example.org', username: 'teapot-fan' };
    for (const own of ['wilhelmina@EXAMPLE.org', 'wilhelmina', 'TEAPOT-fan']) {
      expect(codesFor(own, owner)).toEqual(['auth.password_personal']);
      expect(codesFor(own, { email: null, username: null })).toEqual([]);
    }
    expect(codesFor('wilhelmina-2', owner)).toEqual([]);
  });

  it('PasswordPolicy names every fault at once and never the password', () => {
    const errors = new PasswordPolicy().check('\0abc');
    expect(errors.map(({ code }) => code)).toEqual(['auth.password_not_text', 'auth.password_too_short']);
    for (const { message } of errors) expect(message).not.toContain('abc');
  });
});

describe('commonPasswords', () => {
  it('commonPasswords holds only what could otherwise be chosen, in the case that it is looked up in', () => {
    expect(commonPasswords.size).toBeGreaterThan(1_000);
    for (const word of commonPasswords) {
      expect(word).toBe(word.toLowerCase());
      expect(Buffer.byteLength(word)).toBeGreaterThanOrEqual(8);
    }
  });
});
