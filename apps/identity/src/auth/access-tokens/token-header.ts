import { type JsonObject, parseJsonObject } from '#runtime';
import { InvalidToken } from './invalid-token.js';

/** RFC 9068, 2.1: keeps other JWTs signed with the same key from passing as access tokens. */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

export interface TokenHeader {
  alg: string;
  kid: string;
}

const KNOWN = new Set(['alg', 'typ', 'kid']);

/**
 * Reads the first segment of a compact JWS. Exactly alg, typ and kid: whatever else a header may hold either brings its own key
 * (jwk, jku, x5u, x5c) or changes what the rest means (crit, b64, zip), and jsonwebtoken overlooks it.
 * @throws InvalidToken
 */
export function readTokenHeader(segment: string): TokenHeader {
  const header = parseJsonObject(Buffer.from(segment, 'base64url').toString('utf8'));
  if (!header) throw new InvalidToken('malformed');
  if (!isAccepted(header)) throw new InvalidToken('header not accepted');
  return { alg: header.alg, kid: header.kid };
}

function isAccepted(header: JsonObject): header is JsonObject & TokenHeader {
  return (
    Object.keys(header).every((name) => KNOWN.has(name)) &&
    header.typ === ACCESS_TOKEN_TYPE &&
    typeof header.alg === 'string' &&
    typeof header.kid === 'string'
  );
}
