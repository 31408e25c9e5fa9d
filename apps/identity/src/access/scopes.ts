/**
 * What a personal access token may be for; it never gives what its user may not do. Passwords, sessions, tokens, second
 * factors and the end of the account have no scope, and stay closed to it.
 */
export const SCOPES = [
  'profile:read',
  'profile:write',
  'users:read',
  'users:write',
  'metrics:read',
  'audit:read',
] as const;

export type ScopeName = (typeof SCOPES)[number];

export function isScope(value: unknown): value is ScopeName {
  return (SCOPES as readonly unknown[]).includes(value);
}
