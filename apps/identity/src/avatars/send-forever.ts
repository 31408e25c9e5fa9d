import { type FastifyReply, type FastifyRequest } from 'fastify';

export interface Unchanging {
  bytes: Buffer;
  type: string;
  /** For who saves it. */
  name: string;
  /** Quoted, and part of no other. */
  etag: string;
}

/** Answers with what never changes: anybody may keep it for a year (RFC 8246), and any page may show it. */
export function sendImmutable(request: FastifyRequest, reply: FastifyReply, sent: Unchanging): void {
  void reply.headers({
    etag: sent.etag,
    'cache-control': 'public, max-age=31536000, immutable',
    'cross-origin-resource-policy': 'cross-origin',
    'content-disposition': `inline; filename="${sent.name}"`,
  });
  const known = request.headers['if-none-match'];
  // RFC 9110, section 13.1.2. A list has it or has it not, weak or strong.
  if (known !== undefined && (known.trim() === '*' || known.includes(sent.etag))) {
    void reply.code(304).send();
    return;
  }
  void reply.type(sent.type).send(sent.bytes);
}
