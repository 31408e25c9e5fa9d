import { type CachedUser } from '#user-cache';

/** Who sends the request. */
export type Caller =
  { readonly kind: 'user'; readonly user: CachedUser } | { readonly kind: 'service'; readonly name: string };

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard; absent on public routes. */
    caller?: Caller;
  }
}

export function isAdmin(caller: Caller | undefined): boolean {
  return caller?.kind === 'user' && caller.user.isAdmin;
}
