/** How often each instance looks at the directory of keys, in milliseconds. A look is a listing and one stat a key. */
export const POLL_EVERY_MS = 2_000;

/** Tokens with unknown key ids make an instance look at once, but never more often than this. */
export const POLL_AT_MOST_EVERY_MS = 1_000;

/** How long whoever verifies tokens elsewhere may keep the answer of `/.well-known/jwks.json`. */
export const JWKS_MAX_AGE_SECONDS = 60;

/**
 * How long a change of the directory may take to reach everybody: 60 s in the attribute cache of an NFS client, the next look, and
 * 60 s in the cache of whoever asked for the JWKS just before; rounded up. No key signs before it has been there this long.
 */
export const SPREAD_WITHIN_MS = 3 * 60_000;

/** The longest that ACCESS_TOKEN_TTL can be set to. */
export const MAX_TOKEN_LIFE_MS = 24 * 60 * 60_000;
