import { type CachedUser } from '#user-cache';
import { type AccessClaims } from '../tokens/access-claims.js';

/** Who sends the request. */
export type Caller =
  | { readonly kind: 'user'; readonly user: CachedUser; readonly sessionId: string }
  | { readonly kind: 'service'; readonly name: string };

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
