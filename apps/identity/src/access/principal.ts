import { type ServicePrivilege } from '#config';
import { type CachedUser } from '#accounts';
import { type FastifyRequest } from 'fastify';
import { type PrincipalIds } from '#http';

/** What a verified access token says. Frozen, for the same value is handed out on every use of the token. */
export interface AccessClaims {
  /** UUID, lower case. */
  readonly userId: string;
  /** UUID, lower case: the session it belongs to, and ends with. */
  readonly sessionId: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  /** Milliseconds since 1970; from this moment on the token is void. */
  readonly expiresAt: number;
  readonly tokenId: string;
}

/** Somebody in a session, who may do all that they may. */
export interface SessionPrincipal {
  readonly kind: 'user';
  readonly user: CachedUser;
  readonly sessionId: string;
}

/** A script of somebody's, with a personal access token, which is for its scopes alone. */
export interface PersonalTokenPrincipal {
  readonly kind: 'user';
  readonly user: CachedUser;
  readonly sessionId: undefined;
  readonly personalTokenId: string;
  readonly scopes: readonly string[];
}

/** Another service, with one of the SERVICE_TOKENS, which opens what its privileges name and nothing else. */
export interface ServicePrincipal {
  readonly kind: 'service';
  readonly name: string;
  readonly privileges: ReadonlySet<ServicePrivilege>;
}

/** Who sends the request. */
export type Principal = SessionPrincipal | PersonalTokenPrincipal | ServicePrincipal;

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; absent on public routes. */
    principal?: Principal;
    /** Set by the guard on routes for whoever holds a token, where nothing but the token was looked at. */
    claims?: AccessClaims;
  }
}

export function hasPrivilege(caller: Principal | undefined, privilege: ServicePrivilege): boolean {
  return caller?.kind === 'service' && caller.privileges.has(privilege);
}

export function isAdmin(caller: Principal | undefined): boolean {
  return caller?.kind === 'user' && caller.user.isAdmin;
}

/** What the log may say of who sends a request: ids alone, and none of a service. */
export function principalIds({ principal, claims }: FastifyRequest): PrincipalIds | undefined {
  if (principal?.kind === 'user') return { userId: principal.user.id, sessionId: principal.sessionId };
  return claims && { userId: claims.userId, sessionId: claims.sessionId };
}
