import { createHash, createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';

/** Signs and verifies access tokens. The key id is public: it is in the header of every token. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: 'HS256' | 'ES256';
  /** Private or secret. */
  readonly signWith: KeyObject;
  /** Public or secret. */
  readonly verifyWith: KeyObject;
}

/** HS256. The id distinguishes secrets; as 64 bits of a hash it does not reveal them. */
export function keyFromSecret(secret: string): SigningKey {
  const digest = createHash('sha256').update('usher access token key id\0').update(secret).digest();
  const key = createSecretKey(secret, 'utf8');
  return {
    kid: digest.subarray(0, 8).toString('base64url'),
    algorithm: 'HS256',
    signWith: key,
    verifyWith: key,
  };
}

/**
 * ES256, from a P-256 private key in PEM. The id is the thumbprint of RFC 7638.
 * @throws TypeError if the text is not such a key; the message says why, and never quotes it
 */
export function keyFromPem(pem: string | Buffer): SigningKey {
  const signWith = readPrivateKey(pem);
  if (signWith.asymmetricKeyType !== 'ec' || signWith.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new TypeError('it is not a key on the curve P-256');
  }
  const verifyWith = createPublicKey(signWith);
  return { kid: thumbprint(verifyWith), algorithm: 'ES256', signWith, verifyWith };
}

function readPrivateKey(pem: string | Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new TypeError('it is not an unencrypted private key in PEM');
  }
}

function thumbprint(publicKey: KeyObject): string {
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
  // RFC 7638, 3: exactly these members, in this order, without white space.
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}
