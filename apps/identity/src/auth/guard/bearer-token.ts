import { type FastifyRequest } from 'fastify';

/** The token of `Authorization: Bearer …` (RFC 6750, section 2.1); `undefined` when nothing of the kind was sent. */
export function bearerToken({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +([^\s]+) *$/i.exec(headers.authorization ?? '')?.[1];
}
