import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { clientAddress } from '#http';

/** What a request tells about where it comes from. Shown to the owner of the session; nothing is decided by it. */
export interface Client {
  /** `User-Agent`, at most 255 characters, without what cannot be stored or would forge a line. */
  readonly device: string | null;
  /**
   * An IP address; behind a trusted proxy, that of its client, and null when the proxy said something else; from a service
   * that logs users in, the one it names.
   */
  readonly address: string | null;
}

export const CurrentClient = createParamDecorator((_: unknown, context: ExecutionContext): Client => {
  return clientOf(context.switchToHttp().getRequest<FastifyRequest>());
});

export function clientOf(request: FastifyRequest): Client {
  const device = (request.headers['user-agent'] ?? '').replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '').trim();
  const address = request.namedClientAddress ?? clientAddress(request.remoteAddress);
  return { device: device === '' ? null : device.slice(0, 255), address };
}
