import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { networkOf } from './client-network.js';

/** Whom limits count: somebody at a network, or nobody, because a service asks, which answers for its own clients. */
export type Visitor = { readonly kind: 'client'; readonly network: string } | { readonly kind: 'service' };

declare module 'fastify' {
  interface FastifyRequest {
    /** Set where a limit was looked at. */
    visitor?: Visitor;
  }
}

/** @param address as Fastify's `request.ip`, which follows TRUST_PROXY */
export function visitorAt(address: string): Visitor {
  return { kind: 'client', network: networkOf(address) };
}

export const CurrentVisitor = createParamDecorator((_: unknown, context: ExecutionContext): Visitor => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return request.visitor ?? visitorAt(request.ip);
});
