import { heapShareEntries } from '#config';
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type AccessClaims } from '../../access/principal.js';

const MAX_ENTRIES = heapShareEntries('verifiedTokens', { bytesEach: 500, most: 50_000 });
/**
 * Fewer, and in a map of their own: expired tokens that clients still send must not evict tokens in use. About 150
 * bytes each.
 */
const MAX_EXPIRED = 5_000;

export interface VerifiedToken {
  readonly claims: AccessClaims;
  /** The id of the key that verified it. The entry is valid no longer than that key. */
  readonly kid: string;
}

/**
 * Tokens with a verified signature. Verifying on every request would cost more than the rest of the read path. Keyed
 * by SHA-256, so that a heap dump holds no usable token.
 */
export class VerifiedTokens {
  private readonly tokens = new LRUCache<string, VerifiedToken>({ max: MAX_ENTRIES });
  private readonly expired = new LRUCache<string, true>({ max: MAX_EXPIRED });

  /** `undefined` if not remembered, or expired since. */
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

  /** For a token with a good signature that has expired: checking it again is useless. */
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
