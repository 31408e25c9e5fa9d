import { isJsonObject, type JsonObject, parseJsonObject } from '#runtime';
import { InvalidToken } from './errors.js';
import { type AccessClaims } from '../../access/principal.js';

/** RFC 9068, 2.1: keeps other JWTs signed with the same key from passing as access tokens. */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

export interface TokenHeader {
  alg: string;
  kid: string;
}

const KNOWN = new Set(['alg', 'typ', 'kid']);

/**
 * Reads the first segment of a compact JWS, with exactly alg, typ and kid. Other members either bring their own key
 * (jwk, jku, x5u, x5c) or change the meaning of the rest (crit, b64, zip), and jsonwebtoken ignores them.
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

export interface ClaimExpectations {
  issuer: string;
  audience: string;
  /** The present lifetime of tokens; one that is valid for longer from now was not issued here. */
  ttlSeconds: number;
  nowMs: number;
}

/** Clocks of two instances may differ by this much. Never added to exp. */
const LEEWAY_SECONDS = 5;
/** The upper limit of ACCESS_TOKEN_TTL. */
const MAX_LIFETIME_SECONDS = 24 * 60 * 60;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The strict layer over jsonwebtoken, which accepts a token without exp, with an exp in the year 9999, with an array
 * as payload or a list as audience. Every claim must be present and of its type (RFC 9068, 2.2; RFC 8725, 3).
 * @throws InvalidToken
 */
export function readAccessClaims(payload: unknown, expected: ClaimExpectations): AccessClaims {
  if (!isJsonObject(payload)) throw new InvalidToken('malformed');
  const { iss, aud, sub, sid, iat, exp, jti, nbf } = payload;

  if (iss !== expected.issuer) throw new InvalidToken('wrong issuer');
  if (aud !== expected.audience) throw new InvalidToken('wrong audience');
  if (!isUuid(sub) || !isUuid(sid) || !isUuid(jti)) throw new InvalidToken('claims not accepted');
  if (!isCount(iat) || !isCount(exp)) throw new InvalidToken('claims not accepted');
  if (nbf !== undefined && !isCount(nbf)) throw new InvalidToken('claims not accepted');

  const now = expected.nowMs / 1000;
  if (iat > now + LEEWAY_SECONDS) throw new InvalidToken('not yet valid');
  if (nbf !== undefined && nbf > now) throw new InvalidToken('not yet valid');
  if (exp <= iat) throw new InvalidToken('claims not accepted');
  if (exp - iat > MAX_LIFETIME_SECONDS) throw new InvalidToken('lifetime too long');
  if (exp > now + expected.ttlSeconds + LEEWAY_SECONDS) throw new InvalidToken('lifetime too long');
  if (exp <= now) throw new InvalidToken('expired');

  return Object.freeze({
    userId: sub,
    sessionId: sid,
    issuedAt: iat * 1000,
    expiresAt: exp * 1000,
    tokenId: jti,
  });
}

function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** A non-negative integer: no string, no fraction, and no 1e999, which JSON reads as Infinity. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
