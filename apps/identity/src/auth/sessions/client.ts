import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { isIP } from 'node:net';

/** What a request tells about where it comes from. Shown to the owner of the session; nothing is decided by it. */
export interface Client {
  /** `User-Agent`, at most 255 characters, without what cannot be stored or would forge a line. */
  readonly device: string | null;
  /** An IP address; behind a trusted proxy, that of its client, and null when the proxy said something else. */
  readonly address: string | null;
}

export const CurrentClient = createParamDecorator((_: unknown, context: ExecutionContext): Client => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const device = (request.headers['user-agent'] ?? '').replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '').trim();
  return { device: device === '' ? null : device.slice(0, 255), address: addressOf(request) };
});

function addressOf({ ip }: FastifyRequest): string | null {
  // `fe80::1%eth0`: the name of our own network card is no part of anybody's address.
  const address = ip.split('%')[0]!;
  return isIP(address) ? address : null;
}
