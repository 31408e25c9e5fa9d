/**
 * What a personal access token may do, within the rights of its user. Passwords, sessions, tokens, second factors and
 * account deletion have no scope, and stay closed to it.
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
