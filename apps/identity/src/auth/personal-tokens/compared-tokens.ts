import { heapShareEntries } from '#config';
import { type Comparison } from '#accounts';
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Counts the entry that `LastUses` keeps for each. */
const MAX_MATCHES = heapShareEntries('personalTokens', { bytesEach: 900, most: 20_000 });
/** Fewer, and in a map of their own: made-up tokens must not evict tokens in use. */
const MAX_OTHERS = Math.ceil(MAX_MATCHES / 4);

export interface ComparedToken extends Comparison {
  /** UUID, lower case. */
  readonly id: string;
}

/**
 * Results of comparing token texts with PostgreSQL, valid while the row keeps its mark. Keyed by SHA-256 of the whole
 * text, so that a heap dump holds neither a usable token nor what is stored of one.
 */
export class ComparedTokens {
  private readonly matches = new LRUCache<string, ComparedToken>({ max: MAX_MATCHES });
  private readonly others = new LRUCache<string, ComparedToken>({ max: MAX_OTHERS });

  recall(token: string): ComparedToken | undefined {
    const key = keyOf(token);
    return this.matches.get(key) ?? this.others.get(key);
  }

  remember(token: string, compared: ComparedToken): void {
    const key = keyOf(token);
    const [now, before] = compared.matches ? [this.matches, this.others] : [this.others, this.matches];
    before.delete(key);
    now.set(key, compared);
  }

  get size(): number {
    return this.matches.size + this.others.size;
  }
}

function keyOf(token: string): string {
  return hash('sha256', token, 'base64url');
}
