import { type FastifyRequest } from 'fastify';

/** The token of `Authorization: Bearer …` (RFC 6750, section 2.1); `undefined` when another scheme or nothing was sent. */
export function bearerToken({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1];
}
