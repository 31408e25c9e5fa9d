import { type CachedUser } from '#accounts';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { type AccessClaims, type Caller } from './caller.js';
import { Forbidden, InsufficientScope, MissingToken } from './auth-faults.js';

/** The user whose token was sent: a frozen value from the cache. */
export const CurrentUser = createParamDecorator((_: unknown, context: ExecutionContext): CachedUser => {
  const { caller } = context.switchToHttp().getRequest<FastifyRequest>();
  if (caller?.kind !== 'user') throw new Forbidden('This is for users.');
  return caller.user;
});

/** The session of the token, and its user. */
export const CurrentSession = createParamDecorator(
  (_: unknown, context: ExecutionContext): { id: string; user: CachedUser } => {
    const { caller } = context.switchToHttp().getRequest<FastifyRequest>();
    if (caller?.kind !== 'user') throw new Forbidden('This is for users.');
    if (caller.sessionId === undefined) throw new InsufficientScope(undefined);
    return { id: caller.sessionId, user: caller.user };
  },
);

/** What the token says, on routes for token holders. */
export const CurrentClaims = createParamDecorator((_: unknown, context: ExecutionContext): AccessClaims => {
  const { claims } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!claims) throw new MissingToken();
  return claims;
});

/** Whoever sends the request; `undefined` on public routes without a token. */
export const CurrentCaller = createParamDecorator(
  (_: unknown, context: ExecutionContext): Caller | undefined =>
    context.switchToHttp().getRequest<FastifyRequest>().caller,
);
