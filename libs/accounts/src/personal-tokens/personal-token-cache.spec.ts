import { describe, expect, it } from '@jest/globals';
import { reviveCachedPersonalToken } from './personal-token-cache.js';

const TOKEN = {
  id: '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071',
  userId: '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6072',
  scopes: ['profile:read'],
  createdAtMs: 1_780_000_000_000,
  expiresAtMs: 1_790_000_000_000,
  mark: '0123456789abcdef',
};

describe('a cached personal token', () => {
  it('cached personal token has exactly these fields, and cannot be changed', () => {
    const revived = reviveCachedPersonalToken({ ...TOKEN, token_hash: 'x', name: 'y' })!;
    expect(revived).toEqual(TOKEN);
    expect(Object.isFrozen(revived) && Object.isFrozen(revived.scopes)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['text', 'text'],
    ['no scopes', { ...TOKEN, scopes: undefined }],
    ['scopes that are no words', { ...TOKEN, scopes: [1] }],
    ['a scope that is text', { ...TOKEN, scopes: 'profile:read' }],
    ['a time that is none', { ...TOKEN, expiresAtMs: 'never' }],
    ['no mark', { ...TOKEN, mark: null }],
    ['a user id that is no text', { ...TOKEN, userId: 7 }],
  ])('cached personal token is not read from %s', (_, raw) => {
    expect(reviveCachedPersonalToken(raw)).toBeUndefined();
  });
});
