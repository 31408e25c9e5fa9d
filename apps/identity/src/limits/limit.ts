/** So many of something in a window of time. */
export interface Limit {
  /** In keys and headers: lower-case letters and dashes. */
  readonly name: string;
  /** Before RATE_LIMIT_FACTOR. */
  readonly quota: number;
  /** From the first of them on; then all of the quota is there again. */
  readonly windowSeconds: number;
  /** By all instances together, in Redis; otherwise by each in its memory, so that counting costs no round trip. */
  readonly shared: boolean;
}

/** Of requests, by the network of the client. */
export const REQUEST_LIMITS = {
  register: { name: 'register', quota: 20, windowSeconds: 600, shared: true },
  /** Logins, as JSON or as an OAuth form: each costs a quarter of a second of a processor. */
  login: { name: 'login', quota: 60, windowSeconds: 60, shared: true },
  /** What asks a user for their password again. */
  password: { name: 'password', quota: 20, windowSeconds: 600, shared: true },
  /** Who is called so? Part of the read way, which waits for nobody. */
  lookup: { name: 'lookup', quota: 120, windowSeconds: 60, shared: false },
  /** Everything else that needs no token, or comes without one. */
  anyone: { name: 'anyone', quota: 1_200, windowSeconds: 60, shared: false },
} as const satisfies Record<string, Limit>;

/**
 * Of wrong passwords. NIST SP 800-63B, section 5.2.2, allows 100 in a row for an account; that many an hour leave the
 * passwords that our policy takes out of reach.
 */
export const GUESS_LIMITS = {
  /** For one account from one network. */
  pair: { name: 'guess-pair', quota: 5, windowSeconds: 600, shared: true },
  /** For one account from everywhere. */
  account: { name: 'guess-account', quota: 100, windowSeconds: 3_600, shared: true },
  /** From one network, for all accounts. Many people may share it. */
  network: { name: 'guess-network', quota: 100, windowSeconds: 3_600, shared: true },
} as const satisfies Record<string, Limit>;

/** Each at least 1, however small the factor, and none at all when it is 0. */
export function quotaOf({ quota }: Limit, factor: number): number {
  return Math.ceil(quota * factor);
}
