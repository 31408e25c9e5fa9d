import { createHash, randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

/** So that scanners for leaked secrets, and people, can tell what it is. */
const PREFIX = 'usher_pat_';
const ID_BYTES = 16;
const SECRET_BYTES = 32;
/** A multiple of three, so that base64url has no spare bits, and each token one way to be written. */
const TEXT = new RegExp(`^${PREFIX}[\\w-]{${((ID_BYTES + SECRET_BYTES) * 4) / 3}}$`);

/** What the text of a personal access token says. */
export interface PersonalTokenText {
  /** UUIDv7, lower case. */
  readonly id: string;
  /** SHA-256 of the secret, in hex. */
  readonly hash: string;
}

/** A new token. The text is for its owner alone; what is kept is the rest. */
export function makePersonalToken(): PersonalTokenText & { readonly text: string } {
  const id = uuidv7();
  const secret = randomBytes(SECRET_BYTES);
  const bytes = Buffer.concat([Buffer.from(id.replaceAll('-', ''), 'hex'), secret]);
  return { id, hash: digest(secret), text: PREFIX + bytes.toString('base64url') };
}

/** Whether it means to be one. */
export function isPersonalToken(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** `undefined`: it cannot be one. */
export function readPersonalToken(token: string): PersonalTokenText | undefined {
  if (!TEXT.test(token)) return undefined;
  const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url');
  return { id: uuidOf(bytes), hash: digest(bytes.subarray(ID_BYTES)) };
}

function digest(secret: Buffer): string {
  return createHash('sha256').update(secret).digest('hex');
}

function uuidOf(bytes: Buffer): string {
  const hex = bytes.toString('hex', 0, ID_BYTES);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
