import { type CacheTier, type Entry, type EntryCodec } from '#cache';
import { type RedisClient } from './redis-client.js';

/** Entries in Redis. Every command has one key, so that a Cluster can serve it. */
export class RedisTier<V extends object | string> implements CacheTier<V> {
  constructor(
    private readonly client: RedisClient,
    private readonly codec: EntryCodec<V>,
  ) {}

  async get(key: string): Promise<Entry<V> | undefined> {
    const text = await this.client.get(key);
    return text === null ? undefined : this.codec.decode(key, text);
  }

  async set(key: string, entry: Entry<V>, ttlMs: number): Promise<void> {
    await this.client.set(key, this.codec.encode(key, entry), 'PX', Math.ceil(ttlMs));
  }

  async delete(key: string): Promise<void> {
    await this.client.unlink(key);
  }
}
