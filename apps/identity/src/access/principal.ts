import { type ServicePrivilege } from '#config';
import { type CachedPersonalToken, type CachedUser } from '#accounts';
import { type FastifyRequest } from 'fastify';
import { type PrincipalIds } from '#http';

/** The claims of a verified access token. Frozen: every use of the token shares them. */
export interface AccessClaims {
  /** UUID, lower case. */
  readonly userId: string;
  /** UUID, lower case. The token ends with this session. */
  readonly sessionId: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  /** Milliseconds since 1970; the token is void from this moment on. */
  readonly expiresAt: number;
  readonly tokenId: string;
}

/** A user in a session, with all their rights. */
export interface SessionPrincipal {
  readonly kind: 'user';
  readonly user: CachedUser;
  readonly sessionId: string;
  readonly claims: AccessClaims;
}

/** A script with a personal access token of a user: only the token's scopes count. */
export interface PersonalTokenPrincipal {
  readonly kind: 'user';
  readonly user: CachedUser;
  readonly sessionId: undefined;
  readonly token: CachedPersonalToken;
}

/** Another service, with one of the SERVICE_TOKENS: only its privileges count. */
export interface ServicePrincipal {
  readonly kind: 'service';
  readonly name: string;
  readonly privileges: ReadonlySet<ServicePrivilege>;
}

/** Who sends the request. */
export type Principal = SessionPrincipal | PersonalTokenPrincipal | ServicePrincipal;

/** What an authenticator answers about a token. */
export interface Authentication<P extends Principal> {
  /** `null`: the token is no longer good, or never was. */
  readonly value: P | null;
  /** Where the answer comes from, for `X-Cache`. */
  readonly origin: string;
}

/** Runs the check of a token that this instance has not seen before, or refuses to. */
export type FirstUse = <T>(check: () => Promise<T>) => Promise<T>;

export const uncheckedFirstUse: FirstUse = (check) => check();

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; absent on public routes. */
    principal?: Principal;
    /** Set by the guard on routes for token holders, where only the token itself is verified. */
    claims?: AccessClaims;
  }
}

export function hasPrivilege(principal: Principal | undefined, privilege: ServicePrivilege): boolean {
  return principal?.kind === 'service' && principal.privileges.has(privilege);
}

export function isAdmin(principal: Principal | undefined): boolean {
  return principal?.kind === 'user' && principal.user.isAdmin;
}

/** What the request log may say about the principal: only ids, and nothing about a service. */
export function principalIds({ principal, claims }: FastifyRequest): PrincipalIds | undefined {
  if (principal?.kind === 'user') return { userId: principal.user.id, sessionId: principal.sessionId };
  return claims && { userId: claims.userId, sessionId: claims.sessionId };
}
