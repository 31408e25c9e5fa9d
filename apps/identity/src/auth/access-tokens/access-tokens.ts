import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JsonWebTokenError, JwtService, NotBeforeError, TokenExpiredError } from '@nestjs/jwt';
import { Settings } from '#config';
import { type AccessClaims, type FirstUse, uncheckedFirstUse } from '../../access/principal.js';
import { ACCESS_TOKEN_TYPE, readAccessClaims, readTokenHeader } from './claims.js';
import { Clock } from '#cache';
import { fromBase64url } from '#crypto';
import { InvalidToken } from './errors.js';
import { type SigningKey } from '../signing-keys/signing-key.js';
import { SigningKeys } from '../signing-keys/signing-keys.js';
import { type VerifiedToken, VerifiedTokens } from './verified-tokens.js';

/** Our tokens have about 450 characters; longer ones are not worth parsing. */
const MAX_TOKEN_LENGTH = 4096;
const COMPACT_JWS = /^([\w-]+)\.[\w-]+\.([\w-]+)$/;

export interface TokenSubject {
  /** UUID. */
  userId: string;
  /** UUID of the session. */
  sessionId: string;
  /** When the session ends at the latest; the token ends no later. */
  notAfter?: Date;
}

export interface IssuedToken {
  token: string;
  expiresInSeconds: number;
}

/** Issues and verifies access tokens, JWTs by RFC 9068. Session and user are not looked up here. */
@Injectable()
export class AccessTokens {
  private readonly verified = new VerifiedTokens();
  private readonly services = new WeakMap<SigningKey, JwtService>();

  constructor(
    private readonly settings: Settings,
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
  ) {}

  async issue({ userId, sessionId, notAfter }: TokenSubject): Promise<IssuedToken> {
    const { accessTokenTtlSeconds: ttl, jwtIssuer: iss, jwtAudience: aud } = this.settings;
    const iat = Math.floor(this.clock.wallMs() / 1000);
    const exp = Math.min(iat + ttl, Math.floor((notAfter?.getTime() ?? Infinity) / 1000));
    const claims = { iss, aud, sub: userId, sid: sessionId, iat, exp, jti: randomUUID() };
    const signer = this.keys.current; // read once: it may change meanwhile
    const { kid, algorithm } = signer;
    const token = await this.jwt(signer).signAsync(claims, {
      algorithm,
      header: { alg: algorithm, typ: ACCESS_TOKEN_TYPE, kid },
    });
    return { token, expiresInSeconds: exp - iat };
  }

  /**
   * Checks everything on first use; later only the clock and that the key is still valid.
   *
   * @param firstUse runs the full check, or refuses to; not called for remembered tokens
   * @throws InvalidToken, and what `firstUse` throws
   */
  async verify(token: string, firstUse: FirstUse = uncheckedFirstUse): Promise<AccessClaims> {
    if (token.length > MAX_TOKEN_LENGTH) throw new InvalidToken('too long');
    const remembered = this.verified.recall(token, this.clock.wallMs());
    if (remembered && this.keys.get(remembered.kid)) return remembered.claims;
    if (this.verified.hasExpired(token)) throw new InvalidToken('expired');
    return firstUse(() => this.#check(token));
  }

  async #check(token: string): Promise<AccessClaims> {
    try {
      const verified = await this.verifyNow(token);
      this.verified.remember(token, verified);
      return verified.claims;
    } catch (error) {
      if (error instanceof InvalidToken && error.reason === 'expired') this.verified.rememberExpired(token);
      throw error;
    }
  }

  private async verifyNow(token: string): Promise<VerifiedToken> {
    const [, headerSegment, signature] = COMPACT_JWS.exec(token) ?? [];
    if (headerSegment === undefined || signature === undefined) throw new InvalidToken('malformed');
    // Spare bits at the end of base64url would allow several spellings of one token.
    if (!fromBase64url(signature)) throw new InvalidToken('malformed');

    const { alg, kid } = readTokenHeader(headerSegment);
    const key = await this.keys.find(kid);
    if (!key) throw new InvalidToken('unknown key');
    // The key decides the algorithm, never the token (RFC 8725, 3.1).
    if (alg !== key.algorithm) throw new InvalidToken('header not accepted');

    const { jwtIssuer: issuer, jwtAudience: audience, accessTokenTtlSeconds: ttlSeconds } = this.settings;
    const nowMs = this.clock.wallMs();
    const payload: unknown = await this.jwt(key)
      .verifyAsync(token, { algorithms: [key.algorithm], clockTimestamp: Math.floor(nowMs / 1000) })
      .catch(refuse);
    return { claims: readAccessClaims(payload, { issuer, audience, ttlSeconds, nowMs }), kid };
  }

  /**
   * One service per key: its options take a parsed key, those of a single call only PEM, which would be parsed each
   * time.
   */
  private jwt(key: SigningKey): JwtService {
    let service = this.services.get(key);
    if (!service) {
      service = new JwtService({ privateKey: key.signWith, publicKey: key.verifyWith });
      this.services.set(key, service);
    }
    return service;
  }
}

function refuse(error: unknown): never {
  if (error instanceof TokenExpiredError) throw new InvalidToken('expired');
  if (error instanceof NotBeforeError) throw new InvalidToken('not yet valid');
  if (error instanceof JsonWebTokenError && error.message === 'invalid signature') {
    throw new InvalidToken('bad signature');
  }
  // Any other error comes from a token that we did not make.
  throw new InvalidToken('claims not accepted');
}
