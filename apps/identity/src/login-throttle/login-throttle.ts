import { type AliasKind, type CachedUser } from '#accounts';
import { type Counter } from '../rate-limits/counter.js';
import { digest } from '#crypto';
import { type TrustedNetworks } from './trusted-networks.js';
import { type Client } from '../access/client.js';
import { TooManyAttempts } from '../rate-limits/errors.js';
import { type Limit } from '../rate-limits/rate-limit.js';

/**
 * Which account somebody says is theirs, whether or not there is one; or, by its id, whose second factor is asked for.
 * That is counted apart: neither may a right password begin the count of wrong codes anew, nor the other way round.
 */
export type ThrottleKey = readonly [kind: AliasKind | 'id' | 'second_factor', value: string];

export interface ThrottleCounters {
  readonly pair: Counter;
  readonly account: Counter;
  /** In place of `account`, for codes. */
  readonly codes: Counter;
  readonly network: Counter;
}

/**
 * Of wrong passwords and codes. NIST SP 800-63B, section 5.2.2, allows 100 in a row for an account; that many an hour leave the
 * passwords that our policy takes out of reach.
 */
export const LOGIN_LIMITS = {
  /** For one account from one network. */
  pair: { name: 'guess-pair', quota: 5, windowSeconds: 600, shared: true },
  /** For one account from everywhere. */
  account: { name: 'guess-account', quota: 100, windowSeconds: 3_600, shared: true },
  /**
   * For the second factor of one account from everywhere. Who guesses has the password already, and three of a million
   * codes are right at any time: a hundred an hour would find one within months.
   */
  codes: { name: 'guess-codes', quota: 50, windowSeconds: 86_400, shared: true },
  /** From one network, for all accounts. Many people may share it. */
  network: { name: 'guess-network', quota: 100, windowSeconds: 3_600, shared: true },
} as const satisfies Record<string, Limit>;

/** The password was wrong, or there is nobody whose password it could be. */
const WRONG_PASSWORD = new Set(['auth.invalid_credentials', 'auth.wrong_password']);
const WRONG_CODE = new Set(['auth.invalid_code', 'auth.wrong_code']);

/**
 * A soft lock against guessing passwords (docs/adr/0012-guessing-is-slowed-not-locked-out.md).
 *
 * Wrong passwords are counted per account and network, per account, and per network. Past the first limit that pair is
 * refused until its window ends, whatever the password. Past the other two everybody is, but for those at a network
 * from which the account was logged in to before: their own pair alone decides about them. So an attacker is slowed
 * everywhere, and the owner gets in from a place they know, or from a new one unless a hundred guesses came within the
 * hour.
 *
 * Accounts are told apart by what was asked for. One that does not exist is counted and refused like any other, before
 * the database is asked or a password hashed; so a refusal, and the time it takes, tells nothing about it.
 */
export class LoginThrottle {
  constructor(
    private readonly counters: ThrottleCounters,
    private readonly known: TrustedNetworks,
  ) {}

  /**
   * The result of `attempt`, which counts as a guess when it throws that the password, or the code, is wrong.
   *
   * @throws TooManyAttempts, and whatever `attempt` throws
   */
  async attempt<T>(named: ThrottleKey, client: Client, attempt: () => Promise<T>): Promise<T> {
    const { pair, network } = this.counters;
    const account = named[0] === 'second_factor' ? this.counters.codes : this.counters.account;
    const name = nameOf(named);
    const keys = {
      pair: digest(name, client.network),
      account: digest(name),
      network: digest(client.network),
    };

    const own = await pair.take(keys.pair);
    // Not counted any further: one network must not use up what the account has for everybody.
    if (own.exceeded) throw new TooManyAttempts(own);
    const [isKnown, ...others] = await Promise.all([
      this.known.has(name, client.network),
      account.take(keys.account),
      network.take(keys.network),
    ]);
    const exceeded = others.find((count) => count.exceeded);
    if (exceeded && !isKnown) throw new TooManyAttempts(exceeded);

    try {
      const result = await attempt();
      await Promise.all([
        pair.forget(keys.pair),
        account.giveBack(keys.account),
        network.giveBack(keys.network),
      ]);
      return result;
    } catch (error) {
      // Otherwise who shares the owner's network would see here, and only here, that such an account exists.
      if (isWrong(named, error)) throw exceeded ? new TooManyAttempts(exceeded) : error;
      await Promise.all([
        pair.giveBack(keys.pair),
        account.giveBack(keys.account),
        network.giveBack(keys.network),
      ]);
      throw error;
    }
  }

  /** The user has logged in from there, and is known there from now on, by whichever name, and when asked once more. */
  async trustNetworkFor(user: Pick<CachedUser, AliasKind | 'id'>, client: Client): Promise<void> {
    if (client.isGateway) return;
    await Promise.all(namesOf(user).map((name) => this.known.trust(name, client.network)));
  }

  /** The user has set a new password from there, by mail: what was guessed before, perhaps by them, is over. */
  async reset(user: Pick<CachedUser, AliasKind | 'id'>, client: Client): Promise<void> {
    const keys = namesOf(user).map((name) => digest(name, client.network));
    await Promise.all(keys.map((key) => this.counters.pair.forget(key)));
    await this.trustNetworkFor(user, client);
  }

  /** Somebody proved there that this is theirs. */
  async trustNetwork(named: ThrottleKey, client: Client): Promise<void> {
    if (!client.isGateway) await this.known.trust(nameOf(named), client.network);
  }
}

function namesOf(user: Pick<CachedUser, AliasKind | 'id'>): string[] {
  return (['id', 'email', 'username', 'phone'] as const).flatMap((kind) => {
    const value = user[kind];
    return value === null ? [] : [nameOf([kind, value])];
  });
}

/** Coarser than the database compares, so that no two ways to write one name are counted apart. */
function nameOf([kind, value]: ThrottleKey): string {
  return `${kind}:${value.toLowerCase()}`;
}

function isWrong([kind]: ThrottleKey, error: unknown): boolean {
  const wrong = kind === 'second_factor' ? WRONG_CODE : WRONG_PASSWORD;
  return error instanceof Error && 'code' in error && wrong.has(String(error.code));
}
