import { type CachedUser } from '#user-cache';
import { type AccessClaims } from '../tokens/access-claims.js';

/** Somebody in a session, who may do all that they may. */
export interface SessionCaller {
  readonly kind: 'user';
  readonly user: CachedUser;
  readonly sessionId: string;
}

/** A script of somebody's, with a personal access token, which is for its scopes alone. */
export interface PersonalTokenCaller {
  readonly kind: 'user';
  readonly user: CachedUser;
  readonly sessionId: undefined;
  readonly personalTokenId: string;
  readonly scopes: readonly string[];
}

export interface ServiceCaller {
  readonly kind: 'service';
  readonly name: string;
}

/** Who sends the request. */
export type Caller = SessionCaller | PersonalTokenCaller | ServiceCaller;

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; absent on public routes. */
    caller?: Caller;
    /** Set by the guard on routes for whoever holds a token, where nothing but the token was looked at. */
    claims?: AccessClaims;
  }
}

export function isAdmin(caller: Caller | undefined): boolean {
  return caller?.kind === 'user' && caller.user.isAdmin;
}
