import { describe, expect, it } from '@jest/globals';
import { serviceTokens } from './service-tokens.js';

const TOKEN = 'Zk3v9QpL0aWx7RtY2mNc5BsD8fGh1JuE';
const OTHER = 'pO4iU8yT6rE2wQ0aS9dF7gH5jK3lZ1x+/A==';

describe('serviceTokens', () => {
  it('serviceTokens reads names, privileges and tokens, including the padding of base64', () => {
    expect(serviceTokens.parse(`prometheus:metrics=${TOKEN}, gateway-2:introspect+lookup=${OTHER}`)).toEqual(
      new Map([
        ['prometheus', { token: TOKEN, privileges: new Set(['metrics']) }],
        ['gateway-2', { token: OTHER, privileges: new Set(['introspect', 'lookup']) }],
      ]),
    );
  });

  it('serviceTokens refuses a token of fewer than 32 characters', () => {
    expect(TOKEN).toHaveLength(32);
    expect(() => serviceTokens.parse(`billing:lookup=${TOKEN.slice(1)}`)).toThrow(
      'the token of item 1 is too short',
    );
  });

  it('serviceTokens explains the format when an item has no privilege', () => {
    for (const token of [TOKEN, OTHER]) {
      expect(() => serviceTokens.parse(`billing=${token}`)).toThrow(
        'item 1 names no privilege: write name:privilege=token, such as prometheus:metrics=… or gateway:introspect+lookup=…',
      );
    }
  });

  it.each([
    ['a missing name', `:lookup=${TOKEN}`, 'item 1 has no good name'],
    ['a token alone', TOKEN, 'item 1 has no good name'],
    ['a name and its privileges alone', 'billing:lookup', 'item 1 has no good token'],
    ['a name in upper case', `Billing:lookup=${TOKEN}`, 'item 1 has no good name'],
    ['a name of 33 characters', `${'b'.repeat(33)}:lookup=${TOKEN}`, 'item 1 has no good name'],
    ['a token that no header can carry', `billing:lookup=${TOKEN} x`, 'item 1 has no good token'],
    ['an item too many', `billing:lookup=${TOKEN},`, 'item 2 has no good name'],
    [
      'a name given twice',
      `billing:lookup=${TOKEN},billing:revoke=${OTHER}`,
      'item 2 has the name of another',
    ],
    [
      'a token given twice',
      `billing:lookup=${TOKEN},search:lookup=${TOKEN}`,
      'item 2 has the token of another',
    ],
    ['no privilege', `billing:=${TOKEN}`, 'item 1 has an unknown privilege: metrics, introspect'],
    ['a privilege that there is not', `billing:lookup+all=${TOKEN}`, 'item 1 has an unknown privilege'],
    ['every privilege at once', `billing:*=${TOKEN}`, 'item 1 has an unknown privilege'],
    ['a privilege in upper case', `billing:Lookup=${TOKEN}`, 'item 1 has an unknown privilege'],
    ['a privilege given twice', `billing:lookup+lookup=${TOKEN}`, 'item 1 names a privilege twice'],
  ])('serviceTokens refuses %s, and names the item', (_what, text, hint) => {
    expect(() => serviceTokens.parse(text)).toThrow(hint);
  });

  it('serviceTokens never repeats its input in an error', () => {
    for (const text of [`${TOKEN}:${OTHER}`, `${OTHER}`, `billing:${TOKEN}=${OTHER}`, `billing=${TOKEN}`]) {
      let message = '';
      try {
        serviceTokens.parse(text);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).toMatch(/^item 1 /);
      expect(message).not.toMatch(/Zk3v|pO4i/);
    }
  });
});
