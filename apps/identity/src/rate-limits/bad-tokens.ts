import { Counter } from './counter.js';
import { digest } from '#crypto';
import { BAD_TOKENS } from './rate-limit.js';
import { type Client } from '../access/client.js';
import { RateLimited } from './errors.js';

/**
 * How many bearer tokens from one network open nothing: forged, revoked or made up
 * (docs/adr/0020-bad-tokens-are-counted-per-network.md). Counted in memory, so that no read waits for Redis.
 *
 * Past the limit a token that this instance has not verified yet is refused before its signature or the database is
 * looked at. Tokens in use are known, so they keep working while another client of the network sends bad ones.
 */
export class BadTokens {
  readonly #counter: Counter;

  constructor(rateLimitFactor: number) {
    this.#counter = new Counter(BAD_TOKENS, rateLimitFactor);
  }

  /**
   * Runs `check` on a token that is new to this instance. It takes from the quota while it runs, so that many at once do
   * not exceed the limit.
   *
   * @throws RateLimited, and what `check` throws
   */
  async attempt<T>({ network }: Pick<Client, 'network'>, check: () => Promise<T>): Promise<T> {
    const key = digest(network);
    const count = await this.#counter.take(key);
    if (count.exceeded) throw new RateLimited(count);
    try {
      return await check();
    } finally {
      await this.#counter.giveBack(key);
    }
  }

  /** Counts a token that was refused. @throws RateLimited, in place of the refusal, past the limit */
  async count({ network }: Pick<Client, 'network'>): Promise<void> {
    const count = await this.#counter.take(digest(network));
    if (count.exceeded) throw new RateLimited(count);
  }
}
