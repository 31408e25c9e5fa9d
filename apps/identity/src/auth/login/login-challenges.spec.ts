import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../../../../libs/cache/test/fake-clock.js';
import { LoginChallenges } from './login-challenges.js';
import { InvalidChallenge } from '../two-factor/errors.js';

const ADA = '0190d6f0-7a3c-7b3e-9d2a-ba9876543210';
const HASH = '$2b$04$abcdefghijklmnopqrstuuVbnUg7fVhLr5mxJ0m5Jc1BfVVqfSGyu';
const KEY = randomBytes(32);
const clock = new FakeClock(1_763_650_000_000);
const challenges = new LoginChallenges([KEY], clock);
const good = challenges.issue(ADA, HASH);

describe('a login challenge', () => {
  it('login challenge says whose it is, and whether the password is still the same', () => {
    const { userId, fits } = challenges.read(good);
    expect(userId).toBe(ADA);
    expect(fits(HASH)).toBe(true);
    expect(fits(HASH.replace('a', 'b'))).toBe(false);
    expect(good).toMatch(/^usher_2fa_[\w-]{94}$/);
  });

  it('login challenge is good for five minutes', () => {
    const later = new FakeClock(1_763_650_000_000);
    const reader = new LoginChallenges([KEY], later);
    later.advance(299_999);
    expect(reader.read(good).userId).toBe(ADA);
    later.advance(1);
    expect(() => reader.read(good)).toThrow(InvalidChallenge);
  });

  it('login challenge is refused with any single bit flipped', () => {
    const bytes = Buffer.from(good.slice('usher_2fa_'.length), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const text = `usher_2fa_${flipped.toString('base64url')}`;
      expect(() => challenges.read(text)).toThrow(InvalidChallenge);
    }
  });

  it('login challenge has one spelling', () => {
    const last = good.at(-1)!;
    const twin = good.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + 1);
    for (const other of ['', twin, ` ${good}`, `${good}=`, good.replace('2fa', 'rt'), good.toUpperCase()]) {
      expect(() => challenges.read(other)).toThrow(InvalidChallenge);
    }
  });

  it('login challenge of an older key is accepted while that is listed, and of another one never', () => {
    const both = new LoginChallenges([randomBytes(32), KEY], clock);
    expect(both.read(good).fits(HASH)).toBe(true);
    expect(() => challenges.read(both.issue(ADA, HASH))).toThrow(InvalidChallenge);
  });
});
