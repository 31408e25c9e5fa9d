import { type AliasKind, type CachedUser } from '#accounts';
import { type Counter } from '../rate-limits/counter.js';
import { digest } from '#crypto';
import { type TrustedNetworks } from './trusted-networks.js';
import { type Client } from '../access/client.js';
import { TooManyAttempts } from '../rate-limits/errors.js';
import { type Limit } from '../rate-limits/rate-limit.js';

/**
 * The account that an attempt names, whether or not it exists; or the id of the account whose second factor is
 * checked. The two are counted apart: a right password must not reset the count of wrong codes, nor the reverse.
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
 * Of wrong passwords and codes. NIST SP 800-63B, section 5.2.2, allows 100 consecutive failures per account; 100 an
 * hour keep the passwords that the policy accepts out of reach.
 */
export const LOGIN_LIMITS = {
  /** For one account from one network. */
  pair: { name: 'guess-pair', quota: 5, windowSeconds: 600, shared: true },
  /** For one account from everywhere. */
  account: { name: 'guess-account', quota: 100, windowSeconds: 3_600, shared: true },
  /**
   * For the second factor of one account from everywhere. An attacker here has the password already, and three of a
   * million codes are right at any time: 100 attempts an hour would find one within months.
   */
  codes: { name: 'guess-codes', quota: 50, windowSeconds: 86_400, shared: true },
  /** From one network, for all accounts. Many people may share it. */
  network: { name: 'guess-network', quota: 100, windowSeconds: 3_600, shared: true },
} as const satisfies Record<string, Limit>;

/** The password is wrong, or no account has it. */
const WRONG_PASSWORD = new Set(['auth.invalid_credentials', 'auth.wrong_password']);
const WRONG_CODE = new Set(['auth.invalid_code', 'auth.wrong_code']);

/**
 * A soft lock against guessing passwords (docs/adr/0012-guessing-is-slowed-not-locked-out.md).
 *
 * Wrong passwords are counted per account and network, per account, and per network. Beyond the first limit, that
 * pair is refused until its window ends, whether or not the password is right. Beyond the account or network limit
 * everyone is refused, except networks with an earlier login to the account: only their own pair counts. An attacker
 * is slowed everywhere; the owner gets in from a known network, or from a new one unless 100 guesses came within the
 * hour.
 *
 * Accounts are counted by the name given. An unknown name is counted and refused like any other, before the database
 * is queried or a password hashed, so neither the refusal nor its timing tells whether the account exists.
 */
export class LoginThrottle {
  constructor(
    private readonly counters: ThrottleCounters,
    private readonly trusted: TrustedNetworks,
  ) {}

  /**
   * Runs `attempt`, and counts it if it throws that the password or code is wrong.
   *
   * @throws TooManyAttempts, and what `attempt` throws
   */
  async attempt<T>(key: ThrottleKey, client: Client, attempt: () => Promise<T>): Promise<T> {
    const { pair, network } = this.counters;
    const account = key[0] === 'second_factor' ? this.counters.codes : this.counters.account;
    const name = nameOf(key);
    const keys = {
      pair: digest(name, client.network),
      account: digest(name),
      network: digest(client.network),
    };

    const own = await pair.take(keys.pair);
    // Stop counting here: one network must not use up the limit of the whole account.
    if (own.exceeded) throw new TooManyAttempts(own);
    const [isTrusted, ...others] = await Promise.all([
      this.trusted.has(name, client.network),
      account.take(keys.account),
      network.take(keys.network),
    ]);
    const exceeded = others.find((count) => count.exceeded);
    if (exceeded && !isTrusted) throw new TooManyAttempts(exceeded);

    try {
      const result = await attempt();
      await Promise.all([
        pair.forget(keys.pair),
        account.giveBack(keys.account),
        network.giveBack(keys.network),
      ]);
      return result;
    } catch (error) {
      // Otherwise a neighbour on the owner's network would learn here, and only here, that the account exists.
      if (isWrong(key, error)) throw exceeded ? new TooManyAttempts(exceeded) : error;
      await Promise.all([
        pair.giveBack(keys.pair),
        account.giveBack(keys.account),
        network.giveBack(keys.network),
      ]);
      throw error;
    }
  }

  /** Trusts the network of a login for all names of the user, and for password confirmations. */
  async trustNetworkFor(user: Pick<CachedUser, AliasKind | 'id'>, client: Client): Promise<void> {
    if (client.isGateway) return;
    await Promise.all(namesOf(user).map((name) => this.trusted.trust(name, client.network)));
  }

  /** Clears the user's failures on this network after a password reset by mail, and trusts it. */
  async reset(user: Pick<CachedUser, AliasKind | 'id'>, client: Client): Promise<void> {
    const keys = namesOf(user).map((name) => digest(name, client.network));
    await Promise.all(keys.map((key) => this.counters.pair.forget(key)));
    await this.trustNetworkFor(user, client);
  }

  /** Trusts the network for one name, after a right password or code. */
  async trustNetwork(key: ThrottleKey, client: Client): Promise<void> {
    if (!client.isGateway) await this.trusted.trust(nameOf(key), client.network);
  }
}

function namesOf(user: Pick<CachedUser, AliasKind | 'id'>): string[] {
  return (['id', 'email', 'username', 'phone'] as const).flatMap((kind) => {
    const value = user[kind];
    return value === null ? [] : [nameOf([kind, value])];
  });
}

/** Coarser than the database's comparison, so that spellings of one name are not counted apart. */
function nameOf([kind, value]: ThrottleKey): string {
  return `${kind}:${value.toLowerCase()}`;
}

function isWrong([kind]: ThrottleKey, error: unknown): boolean {
  const wrong = kind === 'second_factor' ? WRONG_CODE : WRONG_PASSWORD;
  return error instanceof Error && 'code' in error && wrong.has(String(error.code));
}
