import { createHash, randomBytes } from 'node:crypto';
import { TokenText, uuidBytes, uuidOf } from '#crypto';
import { v7 as uuidv7 } from 'uuid';

const ID_BYTES = 16;
const SECRET_BYTES = 32;
const TEXT = new TokenText('usher_pat_', ID_BYTES + SECRET_BYTES);

/** The content of a personal access token. */
export interface PersonalTokenText {
  /** UUIDv7, lower case. */
  readonly id: string;
  /** SHA-256 of the secret, in hex. */
  readonly hash: string;
}

/** Makes a token. The text is for its owner only; the rest is stored. */
export function makePersonalToken(): PersonalTokenText & { readonly text: string } {
  const id = uuidv7();
  const secret = randomBytes(SECRET_BYTES);
  return { id, hash: digest(secret), text: TEXT.write(uuidBytes(id), secret) };
}

/** Whether the text has the prefix of personal access tokens. */
export function isPersonalToken(token: string): boolean {
  return TEXT.claims(token);
}

/** `undefined` for malformed text. */
export function readPersonalToken(token: string): PersonalTokenText | undefined {
  const bytes = TEXT.read(token);
  return bytes && { id: uuidOf(bytes), hash: digest(bytes.subarray(ID_BYTES)) };
}

function digest(secret: Buffer): string {
  return createHash('sha256').update(secret).digest('hex');
}
