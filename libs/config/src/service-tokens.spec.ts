import { describe, expect, it } from '@jest/globals';
import { serviceTokens } from './service-tokens.js';

const TOKEN = 'Zk3v9QpL0aWx7RtY2mNc5BsD8fGh1JuE';
const OTHER = 'pO4iU8yT6rE2wQ0aS9dF7gH5jK3lZ1x+/A==';

describe('serviceTokens', () => {
  it('reads names and tokens, which may end in the = of base64', () => {
    expect(serviceTokens.parse(`billing=${TOKEN}, search-2=${OTHER}`)).toEqual(
      new Map([
        ['billing', TOKEN],
        ['search-2', OTHER],
      ]),
    );
  });

  it('takes 32 characters and not 31', () => {
    expect(TOKEN).toHaveLength(32);
    expect(() => serviceTokens.parse(`billing=${TOKEN.slice(1)}`)).toThrow(
      'the token of item 1 is too short',
    );
  });

  it.each([
    ['a missing name', `=${TOKEN}`, 'item 1 has no good name'],
    ['a token alone', TOKEN, 'item 1 has no good name'],
    ['a name alone', 'billing', 'item 1 has no good token'],
    ['a name in upper case', `Billing=${TOKEN}`, 'item 1 has no good name'],
    ['a name of 33 characters', `${'b'.repeat(33)}=${TOKEN}`, 'item 1 has no good name'],
    ['a token that no header can carry', `billing=${TOKEN} x`, 'item 1 has no good token'],
    ['an item too many', `billing=${TOKEN},`, 'item 2 has no good name'],
    ['a name given twice', `billing=${TOKEN},billing=${OTHER}`, 'item 2 has the name of another'],
    ['a token given twice', `billing=${TOKEN},search=${TOKEN}`, 'item 2 has the token of another'],
  ])('refuses %s, by its position', (_what, text, hint) => {
    expect(() => serviceTokens.parse(text)).toThrow(hint);
  });
});
