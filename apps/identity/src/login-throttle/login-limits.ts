import { type Limit } from '../rate-limits/limit.js';

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
