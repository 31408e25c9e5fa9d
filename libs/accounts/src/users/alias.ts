import { createHash } from 'node:crypto';
import { type CachedUser } from './cached-user.js';

/** The ways to name a user other than by id. */
export type AliasKind = 'email' | 'username' | 'phone';

export interface Alias {
  readonly kind: AliasKind;
  /** As it is compared: see `canonical()`. */
  readonly value: string;
  /** Where the cache keeps the id it leads to. */
  readonly key: string;
  /** What the change log calls it. */
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
 * An alias as keys and tags name it. Hashed, so that no personal data sits in keys and in the log, and whatever is
 * asked for has one bounded length.
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
 * Lower case for ASCII letters alone: exactly what `lower(… COLLATE "C")` does in the database. Anything cleverer
 * would differ between Node, PostgreSQL and their versions, and a tag that differs is a change that is missed.
 */
export function canonical(value: string): string {
  return value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
