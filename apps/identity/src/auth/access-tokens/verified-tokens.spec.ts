import { describe, expect, it } from '@jest/globals';
import { type AccessClaims } from '../../access/principal.js';
import { VerifiedTokens } from './verified-tokens.js';

const claims: AccessClaims = { userId: 'u', sessionId: 's', issuedAt: 0, expiresAt: 1_000, tokenId: 't' };
const verifiedToken = { claims, kid: 'k' };

describe('VerifiedTokens', () => {
  it('VerifiedTokens recalls until the token expires, then lets go of it', () => {
    const verified = new VerifiedTokens();
    verified.remember('token', verifiedToken);
    expect(verified.recall('token', 999)).toBe(verifiedToken);
    expect(verified.recall('Token', 999)).toBeUndefined();
    expect(verified.recall('token', 1_000)).toBeUndefined();
    expect(verified.size).toBe(0);
  });

  it('VerifiedTokens holds 50,000 at most and keeps those in use', () => {
    const verified = new VerifiedTokens();
    for (let i = 0; i < 50_000; i++) verified.remember(`token ${i}`, verifiedToken);
    expect(verified.recall('token 0', 0)).toBe(verifiedToken);
    verified.remember('one more', verifiedToken);
    expect(verified.size).toBe(50_000);
    expect(verified.recall('token 0', 0)).toBe(verifiedToken);
    expect(verified.recall('token 1', 0)).toBeUndefined();
  });
});
