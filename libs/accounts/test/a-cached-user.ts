import { type CachedUser, USER_FIELDS } from '../src/users/user-fields.js';

const EMPTY = Object.fromEntries(
  Object.entries(USER_FIELDS).flatMap(([field, definition]) =>
    'nullable' in definition ? [[field, null]] : [],
  ),
);

/** An active user named Ada without a profile: what may be null is null. */
export function aCachedUser(overrides: Partial<CachedUser> = {}): CachedUser {
  const user = {
    ...EMPTY,
    id: '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071',
    email: 'ada@example.com',
    emailVerified: true,
    username: 'ada',
    isActive: true,
    isAdmin: false,
    roles: [],
    appMetadata: {},
    userMetadata: {},
    createdAt: '2026-01-31T12:00:00.000Z',
    updatedAt: '2026-01-31T12:00:00.000Z',
    ...overrides,
  };
  return user as unknown as CachedUser; // TypeScript cannot see which fields EMPTY has
}
