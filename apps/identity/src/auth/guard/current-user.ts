import { type CachedUser } from '#user-cache';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { Forbidden } from './auth-faults.js';
import { type Caller } from './caller.js';

/** The user whose token was sent: a frozen value from the cache. */
export const CurrentUser = createParamDecorator((_: unknown, context: ExecutionContext): CachedUser => {
  const { caller } = context.switchToHttp().getRequest<FastifyRequest>();
  if (caller?.kind !== 'user') throw new Forbidden('This is for users.');
  return caller.user;
});

/** Whoever sends the request; `undefined` on public routes without a token. */
export const CurrentCaller = createParamDecorator(
  (_: unknown, context: ExecutionContext): Caller | undefined =>
    context.switchToHttp().getRequest<FastifyRequest>().caller,
);
