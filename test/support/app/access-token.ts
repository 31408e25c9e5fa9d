import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestApp } from './test-app.js';

/** Claims that differ from those of the token it is made from. */
export interface OtherClaims {
  sub?: string;
  sid?: string;
  iat?: number;
  exp?: number;
}

/** The claims of an access token, as any reader of a JWT sees them. */
export function claimsOf(token: string): Record<string, unknown> {
  return decoded(token, 1);
}

/**
 * Makes access tokens with a good signature by the key that signed `token`, as a thief of the key could (RFC 7515).
 *
 * @returns the token with these claims in place of its own
 */
export async function tokenSigner(
  { keysDir }: Pick<TestApp, 'keysDir'>,
  token: string,
): Promise<(claims: OtherClaims) => string> {
  const header = decoded(token, 0);
  const key = createPrivateKey(await readFile(join(keysDir, `${String(header.kid)}.pem`), 'utf8'));
  return (claims) => {
    const signed = [header, { ...claimsOf(token), jti: randomUUID(), ...claims }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  };
}

function decoded(token: string, part: 0 | 1): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[part]!, 'base64url').toString()) as Record<string, unknown>;
}
