import { freezeMetadata } from './metadata.js';
import { type CachedUser, USER_FIELDS } from './user-fields.js';

export { type CachedUser };

/** What `typeof` says of the JSON of these types; the others are lists and objects. */
const PRIMITIVES: Partial<Record<string, 'string' | 'boolean'>> = {
  uuid: 'string',
  text: 'string',
  timestamptz: 'string',
  boolean: 'boolean',
};

const FIELDS = Object.entries(USER_FIELDS).map(([field, definition]) => ({
  field,
  column: definition.column,
  type: definition.type,
  primitive: PRIMITIVES[definition.type],
  nullable: 'nullable' in definition,
}));

/** The columns of `users AS u` that the cached shape is made of. */
export const CACHED_USER_COLUMNS = FIELDS.map(({ column }) => `u.${column}`).join(', ');

/** SQL that makes the cached shape, as JSON, of a row of `users AS u`. */
export const CACHED_USER_SQL = `json_build_object(${FIELDS.map(({ field, column, type }) =>
  type === 'timestamptz'
    ? `'${field}', to_char(u.${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
    : `'${field}', u.${column}`,
).join(', ')})`;

/** A cached user from parsed JSON: exactly the listed fields; `undefined` when one is missing or of another type. */
export function reviveCachedUser(raw: unknown): CachedUser | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const record = raw as Record<string, unknown>;
  const user: Record<string, unknown> = {};
  for (const { field, type, primitive, nullable } of FIELDS) {
    const value = record[field];
    if (primitive !== undefined) {
      if (typeof value !== primitive && !(value === null && nullable)) return undefined;
      user[field] = value;
    } else {
      if (!isListOrObject(value, type)) return undefined;
      user[field] = freezeMetadata(value);
    }
  }
  return Object.freeze(user) as unknown as CachedUser;
}

function isListOrObject(value: unknown, type: string): boolean {
  if (type === 'text[]') return Array.isArray(value) && value.every((word) => typeof word === 'string');
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
