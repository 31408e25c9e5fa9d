import { randomUUID } from 'node:crypto';

import { Injectable } from '@nestjs/common';
import { JsonWebTokenError, JwtService, NotBeforeError, TokenExpiredError } from '@nestjs/jwt';

import { Settings } from '#config';

import { type AccessClaims, readAccessClaims } from './access-claims.js';
import { Clock } from './clock.js';
import { InvalidToken } from './invalid-token.js';
import { type SigningKey } from './signing-key.js';
import { SigningKeys } from './signing-keys.js';
import { ACCESS_TOKEN_TYPE, readTokenHeader } from './token-header.js';
import { VerifiedTokens } from './verified-tokens.js';

/** Ours have about 450; nothing longer is worth parsing. */
const MAX_TOKEN_LENGTH = 4096;
const COMPACT_JWS = /^([\w-]+)\.[\w-]+\.([\w-]+)$/;

export interface TokenSubject {
  /** UUID. */
  userId: string;
  /** The user's token generation, which a change of password raises. */
  generation: number;
}

export interface IssuedToken {
  token: string;
  expiresInSeconds: number;
}

/** Access tokens: JWTs after RFC 9068. Who the user is now, and whether they are still active, is not asked here. */
@Injectable()
export class AccessTokens {
  private readonly verified = new VerifiedTokens();
  private readonly signers: ReadonlyMap<string, { key: SigningKey; jwt: JwtService }>;

  constructor(
    private readonly settings: Settings,
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
  ) {
    this.signers = new Map([...keys.all()].map((key) => [key.kid, { key, jwt: jwtWith(key) }]));
  }

  async issue({ userId, generation }: TokenSubject): Promise<IssuedToken> {
    const { accessTokenTtlSeconds: ttl, jwtIssuer: iss, jwtAudience: aud } = this.settings;
    const iat = Math.floor(this.clock.now() / 1000);
    const claims = { iss, aud, sub: userId, gen: generation, iat, exp: iat + ttl, jti: randomUUID() };
    const { kid, algorithm } = this.keys.current;
    const token = await this.signer(kid).jwt.signAsync(claims, {
      algorithm,
      header: { alg: algorithm, typ: ACCESS_TOKEN_TYPE, kid },
    });
    return { token, expiresInSeconds: ttl };
  }

  /**
   * The first time checks everything; later, until it expires, only the clock.
   * @throws InvalidToken
   */
  async verify(token: string): Promise<AccessClaims> {
    if (token.length > MAX_TOKEN_LENGTH) throw new InvalidToken('too long');
    const remembered = this.verified.recall(token, this.clock.now());
    if (remembered) return remembered;

    const claims = await this.verifyNow(token);
    this.verified.remember(token, claims);
    return claims;
  }

  private async verifyNow(token: string): Promise<AccessClaims> {
    const [, headerSegment, signature] = COMPACT_JWS.exec(token) ?? [];
    if (headerSegment === undefined || signature === undefined) throw new InvalidToken('malformed');
    // Spare bits at the end of base64url would let one token be written in several ways.
    if (!isCanonical(signature)) throw new InvalidToken('malformed');

    const { alg, kid } = readTokenHeader(headerSegment);
    const { key, jwt } = this.signer(kid);
    // The key decides the algorithm, never the token (RFC 8725, 3.1).
    if (alg !== key.algorithm) throw new InvalidToken('header not accepted');

    const { jwtIssuer: issuer, jwtAudience: audience, accessTokenTtlSeconds: ttlSeconds } = this.settings;
    const nowMs = this.clock.now();
    const payload: unknown = await jwt
      .verifyAsync(token, { algorithms: [key.algorithm], clockTimestamp: Math.floor(nowMs / 1000) })
      .catch(refuse);
    return readAccessClaims(payload, { issuer, audience, ttlSeconds, nowMs });
  }

  private signer(kid: string): { key: SigningKey; jwt: JwtService } {
    const signer = this.signers.get(kid);
    if (!signer) throw new InvalidToken('unknown key');
    return signer;
  }
}

/** One service per key: its options take a parsed key, while those of a single call take only PEM, parsed each time. */
function jwtWith({ signWith, verifyWith }: SigningKey): JwtService {
  return new JwtService({ privateKey: signWith, publicKey: verifyWith });
}

function isCanonical(base64url: string): boolean {
  return Buffer.from(base64url, 'base64url').toString('base64url') === base64url;
}

function refuse(fault: unknown): never {
  if (fault instanceof TokenExpiredError) throw new InvalidToken('expired');
  if (fault instanceof NotBeforeError) throw new InvalidToken('not yet valid');
  if (fault instanceof JsonWebTokenError && fault.message === 'invalid signature') {
    throw new InvalidToken('bad signature');
  }
  // Whatever else went wrong went wrong with a token that a stranger wrote.
  throw new InvalidToken('claims not accepted');
}
