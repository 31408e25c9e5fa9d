import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { networkOf } from './client-network.js';

/** Whom limits count. */
export interface Visitor {
  readonly network: string;
  /** The address is that of a gateway, which did not name its client: it is the known place of nobody. */
  readonly isGateway?: true;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set where a limit was looked at. */
    visitor?: Visitor;
    /** An IP address: the client's, in the words of a service that may log users in. */
    namedClientAddress?: string;
  }
}

/** @param address as `request.remoteAddress` */
export function visitorAt(address: string): Visitor {
  return { network: networkOf(address) };
}

export function visitorOf(request: FastifyRequest): Visitor {
  return request.visitor ?? visitorAt(request.remoteAddress);
}

export const CurrentVisitor = createParamDecorator((_: unknown, context: ExecutionContext): Visitor =>
  visitorOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
