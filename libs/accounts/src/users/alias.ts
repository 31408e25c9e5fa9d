import { createHash } from 'node:crypto';
import { type CachedUser } from './cached-user.js';

/** The ways to name a user other than by id. */
export type AliasKind = 'email' | 'username' | 'phone';

export interface Alias {
  readonly kind: AliasKind;
  /** In the form that is compared: see `canonical()`. */
  readonly value: string;
  /** The cache key of the id that it leads to. */
  readonly key: string;
  /** Its tag in the change log. */
  readonly tag: string;
}

/** SQL of the alias of a row of `users AS u`, as it is compared. The unique indexes are on these expressions. */
export const ALIAS_SQL: Readonly<Record<AliasKind, string>> = {
  email: 'lower(u.email COLLATE "C")',
  username: 'lower(u.username COLLATE "C")',
  phone: 'u.phone',
};

const TAG_PREFIX: Record<AliasKind, string> = { email: 'ue:', username: 'un:', phone: 'up:' };

/**
 * An alias as keys and tags name it. It is hashed, so that keys and the change log hold no personal data and have one
 * bounded length.
 */
export function alias(kind: AliasKind, value: string): Alias {
  const compared = canonical(value);
  const digest = createHash('sha256').update(compared, 'utf8').digest('hex').slice(0, 32);
  return { kind, value: compared, key: `user:${kind}:${digest}`, tag: TAG_PREFIX[kind] + digest };
}

/** Every alias that a user has. */
export function aliasesOf(user: Pick<CachedUser, AliasKind>): Alias[] {
  return (['email', 'username', 'phone'] as const).flatMap((kind) => {
    const value = user[kind];
    return value === null ? [] : [alias(kind, value)];
  });
}

/** Whether the user still answers to the alias. */
export function answersTo(user: Pick<CachedUser, AliasKind>, { kind, value }: Alias): boolean {
  const own = user[kind];
  return own !== null && canonical(own) === value;
}

/**
 * Lower case for ASCII letters only: exactly what `lower(… COLLATE "C")` does in the database. Full Unicode folding
 * differs between Node, PostgreSQL and their versions, and with another tag the cache would miss the change.
 */
export function canonical(value: string): string {
  return value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
