import { type FastifyRequest } from 'fastify';

/**
 * The token of `Authorization: Bearer …` (RFC 6750, section 2.1); `undefined` for other schemes and without the
 * header.
 */
export function bearerToken({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Name and token of a service, as OAuth clients send `client_id` and `client_secret`. */
export interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
}

const BASIC = /^Basic +([A-Za-z0-9+/]+=*)$/i;

export function sendsBasic({ headers }: FastifyRequest): boolean {
  return /^Basic(?: |$)/i.test(headers.authorization ?? '');
}

/**
 * Reads `Authorization: Basic …` as form-urlencoded (RFC 6749, section 2.3.1) and, for the many clients that do not
 * encode, as plain text (RFC 7617).
 *
 * @returns the possible readings; empty if malformed or another scheme
 */
export function clientCredentials({ headers }: FastifyRequest): readonly ClientCredentials[] {
  const encoded = BASIC.exec(headers.authorization ?? '')?.[1];
  if (encoded === undefined) return [];
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon === -1) return [];
  const raw = { id: text.slice(0, colon), secret: text.slice(colon + 1) };
  try {
    return [{ id: formDecoded(raw.id), secret: formDecoded(raw.secret) }, raw];
  } catch {
    return [raw];
  }
}

/** @throws URIError */
function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
