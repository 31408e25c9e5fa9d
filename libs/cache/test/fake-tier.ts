import { type CacheTier, type Entry } from '../src/tiers/cache-tier.js';
import { Gate } from './gate.js';

/** A tier in a map, which a test can read, fill and delay. */
export class FakeTier<V> implements CacheTier<V> {
  readonly entries = new Map<string, Entry<V>>();
  /** Replies wait here. */
  readonly replies = new Gate();
  gets = 0;

  async get(key: string): Promise<Entry<V> | undefined> {
    this.gets++;
    const entry = this.entries.get(key);
    await this.replies.pass();
    return entry;
  }

  set(key: string, entry: Entry<V>): Promise<void> {
    this.entries.set(key, entry);
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.entries.delete(key);
    return Promise.resolve();
  }
}
