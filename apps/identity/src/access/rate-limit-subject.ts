import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { networkOf } from './client-network.js';

/** Whom limits count. */
export interface RateLimitSubject {
  readonly network: string;
  /** The address is that of a gateway, which did not name its client: it is the known place of nobody. */
  readonly isGateway?: true;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set where a limit was looked at. */
    rateLimitSubject?: RateLimitSubject;
    /** An IP address: the client's, in the words of a service that may log users in. */
    namedClientAddress?: string;
  }
}

/** @param address as `request.remoteAddress` */
export function rateLimitSubjectAt(address: string): RateLimitSubject {
  return { network: networkOf(address) };
}

export function rateLimitSubjectOf(request: FastifyRequest): RateLimitSubject {
  return request.rateLimitSubject ?? rateLimitSubjectAt(request.remoteAddress);
}

export const CurrentRateLimitSubject = createParamDecorator(
  (_: unknown, context: ExecutionContext): RateLimitSubject =>
    rateLimitSubjectOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
