import { describe, expect, it } from '@jest/globals';

import { type AccessClaims } from './access-claims.js';
import { VerifiedTokens } from './verified-tokens.js';

const claims: AccessClaims = { userId: 'u', generation: 0, issuedAt: 0, expiresAt: 1_000, tokenId: 't' };

describe('VerifiedTokens', () => {
  it('recalls until the token expires, then lets go of it', () => {
    const verified = new VerifiedTokens();
    verified.remember('token', claims);
    expect(verified.recall('token', 999)).toBe(claims);
    expect(verified.recall('Token', 999)).toBeUndefined();
    expect(verified.recall('token', 1_000)).toBeUndefined();
    expect(verified.size).toBe(0);
  });

  it('holds 50,000 at most and keeps those in use', () => {
    const verified = new VerifiedTokens();
    for (let i = 0; i < 50_000; i++) verified.remember(`token ${i}`, claims);
    expect(verified.recall('token 0', 0)).toBe(claims);
    verified.remember('one more', claims);
    expect(verified.size).toBe(50_000);
    expect(verified.recall('token 0', 0)).toBe(claims);
    expect(verified.recall('token 1', 0)).toBeUndefined();
  });
});
