/** How often each instance polls the directory of keys: one listing and one stat per key. */
export const POLL_EVERY_MS = 2_000;

/** Tokens with unknown key ids trigger a poll at once, but no more often than this. */
export const POLL_AT_MOST_EVERY_MS = 1_000;

/** How long other services may cache `/.well-known/jwks.json`. */
export const JWKS_MAX_AGE_SECONDS = 60;

/**
 * How long a change of the directory may take to reach every verifier: 60 s in the attribute cache of an NFS client,
 * the next poll, and 60 s in a cached JWKS, rounded up. No key signs before it has been there this long.
 */
export const SPREAD_WITHIN_MS = 3 * 60_000;

/** The upper limit of ACCESS_TOKEN_TTL. */
export const MAX_TOKEN_LIFE_MS = 24 * 60 * 60_000;
