import { freezeMetadata } from './metadata.js';
import { type CachedUser, USER_FIELDS } from './user-fields.js';

export { type CachedUser };

const FIELDS = Object.entries(USER_FIELDS).map(([field, definition]) => ({
  field,
  column: definition.column,
  type: definition.type,
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
  for (const { field, type, nullable } of FIELDS) {
    const value = record[field];
    if (!isOfType(value, type) && !(value === null && nullable)) return undefined;
    user[field] = freezeMetadata(value);
  }
  return Object.freeze(user) as unknown as CachedUser;
}

function isOfType(value: unknown, type: (typeof FIELDS)[number]['type']): boolean {
  switch (type) {
    case 'uuid':
    case 'text':
    case 'timestamptz':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'text[]':
      return Array.isArray(value) && value.every((word) => typeof word === 'string');
    case 'jsonb':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
  }
}
