import { heapShareEntries } from '#config';
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type AccessClaims } from '../../access/principal.js';

const MAX_ENTRIES = heapShareEntries('verifiedTokens', { bytesEach: 500, most: 50_000 });
/** Fewer, and apart: what clients still send after it expired must not push out what is in use. At some 150 bytes each. */
const MAX_EXPIRED = 5_000;

export interface VerifiedToken {
  readonly claims: AccessClaims;
  /** The id of the key that it was verified with. What is remembered holds no longer than that key does. */
  readonly kid: string;
}

/**
 * Tokens whose signature was checked once. Checking it again on every request would cost more than everything else on the
 * read way. Keyed by SHA-256, so that a heap dump holds no token that could be used.
 */
export class VerifiedTokens {
  private readonly tokens = new LRUCache<string, VerifiedToken>({ max: MAX_ENTRIES });
  private readonly expired = new LRUCache<string, true>({ max: MAX_EXPIRED });

  /** `undefined`: not remembered, or expired since. */
  recall(token: string, nowMs: number): VerifiedToken | undefined {
    const key = keyOf(token);
    const verified = this.tokens.get(key);
    if (!verified || verified.claims.expiresAt > nowMs) return verified;

    this.tokens.delete(key);
    this.expired.set(key, true);
    return undefined;
  }

  remember(token: string, verified: VerifiedToken): void {
    this.tokens.set(keyOf(token), verified);
  }

  /** Its signature was good, and it has expired: no second check can find it good. */
  rememberExpired(token: string): void {
    this.expired.set(keyOf(token), true);
  }

  hasExpired(token: string): boolean {
    return this.expired.has(keyOf(token));
  }

  get size(): number {
    return this.tokens.size;
  }
}

function keyOf(token: string): string {
  return hash('sha256', token, 'base64url');
}
