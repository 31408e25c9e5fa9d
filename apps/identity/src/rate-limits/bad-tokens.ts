import { Counter } from './counter.js';
import { digest } from '#crypto';
import { BAD_TOKENS } from './rate-limit.js';
import { type Client } from '../access/client.js';
import { RateLimited } from './errors.js';

/**
 * Counts bad bearer tokens per network: forged, revoked or made up
 * (docs/adr/0020-bad-tokens-are-counted-per-network.md). It counts in memory, so that no read waits for Redis.
 *
 * Beyond the limit, a token that this instance has not verified yet is refused before its signature or the database
 * is checked. Remembered tokens keep working while another client of the network sends bad ones.
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

  /** Counts a refused token. @throws RateLimited, in place of the refusal, beyond the limit */
  async count({ network }: Pick<Client, 'network'>): Promise<void> {
    const count = await this.#counter.take(digest(network));
    if (count.exceeded) throw new RateLimited(count);
  }
}
