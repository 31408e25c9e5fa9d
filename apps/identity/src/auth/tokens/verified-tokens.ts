import { hash } from 'node:crypto';

import { LRUCache } from 'lru-cache';

import { type AccessClaims } from './access-claims.js';

const MAX_ENTRIES = 50_000;

/**
 * Tokens whose signature was checked once. Checking it again on every request would cost more than everything else on the
 * read way. Keyed by SHA-256, so that a heap dump holds no token that could be used.
 */
export class VerifiedTokens {
  private readonly claims = new LRUCache<string, AccessClaims>({ max: MAX_ENTRIES });

  /** `undefined`: not remembered, or expired since. */
  recall(token: string, nowMs: number): AccessClaims | undefined {
    const key = keyOf(token);
    const claims = this.claims.get(key);
    if (!claims || claims.expiresAt > nowMs) return claims;

    this.claims.delete(key);
    return undefined;
  }

  remember(token: string, claims: AccessClaims): void {
    this.claims.set(keyOf(token), claims);
  }

  get size(): number {
    return this.claims.size;
  }
}

function keyOf(token: string): string {
  return hash('sha256', token, 'base64url');
}
