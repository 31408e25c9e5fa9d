import { freezeMetadata, type Metadata } from './metadata.js';

/**
 * The user as the cache holds it and handlers get it: a frozen plain value. Only what stands here is ever selected
 * for the cache; a secret would have to be added to this list by name.
 */
export interface CachedUser {
  /** UUIDv7. */
  readonly id: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly username: string | null;
  readonly firstName: string | null;
  readonly lastName: string | null;
  /** E.164. */
  readonly phone: string | null;
  readonly bio: string | null;
  readonly avatarUrl: string | null;
  readonly occupation: string | null;
  readonly location: string | null;
  readonly isActive: boolean;
  readonly isAdmin: boolean;
  /** Sorted; `admin` is among them exactly when `isAdmin`. */
  readonly roles: readonly string[];
  /** Written by administrators and services. */
  readonly appMetadata: Metadata;
  /** Written by the user, so no right may depend on it. */
  readonly userMetadata: Metadata;
  /** ISO 8601, UTC, milliseconds. */
  readonly createdAt: string;
  readonly updatedAt: string;
}

type Kind = 'text' | 'text or null' | 'boolean' | 'time' | 'words' | 'object';

/** Field of `CachedUser`, column of `users`, and what a value of it is. */
const FIELDS: readonly (readonly [keyof CachedUser, string, Kind])[] = [
  ['id', 'id', 'text'],
  ['email', 'email', 'text'],
  ['emailVerified', 'email_verified', 'boolean'],
  ['username', 'username', 'text or null'],
  ['firstName', 'first_name', 'text or null'],
  ['lastName', 'last_name', 'text or null'],
  ['phone', 'phone', 'text or null'],
  ['bio', 'bio', 'text or null'],
  ['avatarUrl', 'avatar_url', 'text or null'],
  ['occupation', 'occupation', 'text or null'],
  ['location', 'location', 'text or null'],
  ['isActive', 'is_active', 'boolean'],
  ['isAdmin', 'is_admin', 'boolean'],
  ['roles', 'roles', 'words'],
  ['appMetadata', 'app_metadata', 'object'],
  ['userMetadata', 'user_metadata', 'object'],
  ['createdAt', 'created_at', 'time'],
  ['updatedAt', 'updated_at', 'time'],
];

/** The columns of `users AS u` that the cached shape is made of. */
export const CACHED_USER_COLUMNS = FIELDS.map(([, column]) => `u.${column}`).join(', ');

/** SQL that makes the cached shape, as JSON, of a row of `users AS u`. */
export const CACHED_USER_SQL = `json_build_object(${FIELDS.map(([field, column, kind]) =>
  kind === 'time'
    ? `'${field}', to_char(u.${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
    : `'${field}', u.${column}`,
).join(', ')})`;

/** What JSON brought back as a user: exactly these fields; `undefined` when one is missing or of another kind. */
export function reviveCachedUser(raw: unknown): CachedUser | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const record = raw as Record<string, unknown>;
  const user: Record<string, unknown> = {};
  for (const [field, , kind] of FIELDS) {
    if (!isOfKind(record[field], kind)) return undefined;
    user[field] = kind === 'words' || kind === 'object' ? freezeMetadata(record[field]) : record[field];
  }
  return Object.freeze(user) as unknown as CachedUser;
}

function isOfKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'text':
    case 'time':
      return typeof value === 'string';
    case 'text or null':
      return value === null || typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'words':
      return Array.isArray(value) && value.every((word) => typeof word === 'string');
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
  }
}
