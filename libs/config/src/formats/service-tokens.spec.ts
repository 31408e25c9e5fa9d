import { describe, expect, it } from '@jest/globals';
import { serviceTokens } from './service-tokens.js';

const TOKEN = 'Zk3v9QpL0aWx7RtY2mNc5BsD8fGh1JuE';
const OTHER = 'pO4iU8yT6rE2wQ0aS9dF7gH5jK3lZ1x+/A==';

describe('serviceTokens', () => {
  it('reads names, privileges and tokens, which may end in the = of base64', () => {
    expect(serviceTokens.parse(`prometheus:metrics=${TOKEN}, gateway-2:introspect+lookup=${OTHER}`)).toEqual(
      new Map([
        ['prometheus', { token: TOKEN, privileges: new Set(['metrics']) }],
        ['gateway-2', { token: OTHER, privileges: new Set(['introspect', 'lookup']) }],
      ]),
    );
  });

  it('takes 32 characters and not 31', () => {
    expect(TOKEN).toHaveLength(32);
    expect(() => serviceTokens.parse(`billing:lookup=${TOKEN.slice(1)}`)).toThrow(
      'the token of item 1 is too short',
    );
  });

  it('says what to write instead of the form without privileges', () => {
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
  ])('refuses %s, by its position', (_what, text, hint) => {
    expect(() => serviceTokens.parse(text)).toThrow(hint);
  });

  it('never repeats what was written', () => {
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
