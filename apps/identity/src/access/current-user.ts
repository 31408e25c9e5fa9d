import { type CachedUser } from '#accounts';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { type AccessClaims, type Principal } from './principal.js';
import { Forbidden, InsufficientScope, MissingToken } from './access-errors.js';

/** The user of the token: a frozen value from the cache. */
export const CurrentUser = createParamDecorator((_: unknown, context: ExecutionContext): CachedUser => {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
  if (principal?.kind !== 'user') throw new Forbidden('This is for users.');
  return principal.user;
});

/** The session of the token, and its user. */
export const CurrentSession = createParamDecorator(
  (_: unknown, context: ExecutionContext): { id: string; user: CachedUser } => {
    const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
    if (principal?.kind !== 'user') throw new Forbidden('This is for users.');
    if (principal.sessionId === undefined) throw new InsufficientScope(undefined);
    return { id: principal.sessionId, user: principal.user };
  },
);

/** The claims of the token, on routes for token holders. */
export const CurrentClaims = createParamDecorator((_: unknown, context: ExecutionContext): AccessClaims => {
  const { claims } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!claims) throw new MissingToken();
  return claims;
});

/** Who sends the request; `undefined` on public routes without a token. */
export const CurrentPrincipal = createParamDecorator(
  (_: unknown, context: ExecutionContext): Principal | undefined =>
    context.switchToHttp().getRequest<FastifyRequest>().principal,
);
