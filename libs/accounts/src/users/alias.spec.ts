import { describe, expect, it } from '@jest/globals';
import { alias, aliasesOf, type AliasKind, answersTo, canonical } from './alias.js';

const KINDS: AliasKind[] = ['email', 'username', 'phone'];

describe('alias', () => {
  it.each([
    ['ADA@Example.COM', 'ada@example.com'],
    ['İSTANBUL', 'İstanbul'],
    ['Straẞe', 'straẞe'],
    ['ÉCOLE', 'École'],
    ['\u212Aelvin', '\u212Aelvin'],
    ['', ''],
  ])('an alias ignores the case of ASCII letters and of no others: %s', (given, compared) => {
    expect(canonical(given)).toBe(compared);
  });

  it('an alias has a key and a tag of one length that hide its value', () => {
    const { key, tag } = alias('email', 'ada@example.com'.repeat(100));
    expect(key).toMatch(/^user:email:[0-9a-f]{32}$/);
    expect(tag).toMatch(/^ue:[0-9a-f]{32}$/);
  });

  it('an alias differs from the same value of another kind', () => {
    const same = KINDS.map((kind) => alias(kind, '+15550001'));
    expect(new Set(same.map(({ key }) => key)).size).toBe(3);
    expect(new Set(same.map(({ tag }) => tag)).size).toBe(3);
  });

  it('an alias belongs to a user while their field has its value', () => {
    const user = { email: 'Ada@x.y', username: null, phone: '+15550001' };
    expect(answersTo(user, alias('email', 'aDA@x.y'))).toBe(true);
    expect(answersTo(user, alias('email', 'eve@x.y'))).toBe(false);
    expect(answersTo(user, alias('username', 'ada'))).toBe(false);
    expect(aliasesOf(user).map(({ kind }) => kind)).toEqual(['email', 'phone']);
  });
});
