import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import { USER_FIELDS, type UserFieldValues } from './user-fields.js';

/** A row of `users`. It stays inside this library: others get a `CachedUser`. */
export interface UserRow extends UserFieldValues {
  passwordHash: string;
  deletionDueAt: Date | null;
}

/** A schema instead of a decorated class: its columns derive from `USER_FIELDS`. */
export const UserEntity = new EntitySchema<UserRow>({
  name: 'User',
  tableName: 'users',
  columns: {
    ...(Object.fromEntries(
      Object.entries(USER_FIELDS).map(([field, { column, type, ...rest }]) => [
        field,
        {
          name: column,
          ...(type === 'text[]' ? { type: 'text', array: true } : { type }),
          primary: field === 'id',
          nullable: 'nullable' in rest,
        } satisfies EntitySchemaColumnOptions,
      ]),
    ) as Record<keyof UserFieldValues, EntitySchemaColumnOptions>),
    /** bcrypt. Only a query that names it selects it. */
    passwordHash: { name: 'password_hash', type: 'text', select: false },
    /** When a deactivated account is to be deleted. */
    deletionDueAt: { name: 'deletion_due_at', type: 'timestamptz', nullable: true, select: false },
  },
});
