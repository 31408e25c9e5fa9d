import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits in base64url. The only copy goes out with the mail. */
export interface LinkToken {
  readonly token: string;
  readonly hash: Buffer;
}

const SHAPE = /^[A-Za-z0-9_-]{43}$/;

export function newLinkToken(): LinkToken {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: hashOf(token) };
}

/** `undefined`: no token of ours looks like this. */
export function linkTokenHash(token: string): Buffer | undefined {
  return SHAPE.test(token) ? hashOf(token) : undefined;
}

/** Random enough to need neither salt nor stretching. */
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
