import { createHash, randomBytes } from 'node:crypto';

/** Links. Using one proves that the person reads the mails of an address. */
export type LinkPurpose = 'verify_email' | 'reset_password' | 'change_email';

/** Mails without a link, which only inform. */
export type NoticePurpose = 'password_changed' | 'email_change_asked' | 'email_changed';

export type MailPurpose = LinkPurpose | NoticePurpose;

/** From the request for a link, not from its sending. */
export const LINK_LIFETIME_SECONDS: Readonly<Record<LinkPurpose, number>> = {
  verify_email: 86_400,
  reset_password: 1_800,
  change_email: 3_600,
};

/** The outbox tries to send a notice for this long. */
export const NOTICE_LIFETIME_SECONDS = 86_400;

/**
 * How often the same link is mailed to one user. More frequent requests get the same answer, and the link that was mailed
 * stays valid.
 */
export const REQUEST_INTERVAL_SECONDS = 60;
export const REQUESTS_PER_HOUR = 5;

export function isLink(purpose: MailPurpose): purpose is LinkPurpose {
  return purpose in LINK_LIFETIME_SECONDS;
}

/** 256 random bits in base64url. The only copy is in the mail. */
export interface LinkToken {
  readonly token: string;
  readonly hash: Buffer;
}

const SHAPE = /^[A-Za-z0-9_-]{43}$/;

export function newLinkToken(): LinkToken {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: hashOf(token) };
}

/** `undefined`: the text has not the shape of a token. */
export function linkTokenHash(token: string): Buffer | undefined {
  return SHAPE.test(token) ? hashOf(token) : undefined;
}

/** The token is random, so its hash needs neither salt nor stretching. */
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** The link is valid but the address is verified already, by this link or by a password reset. */
export class AlreadyVerified extends Error {
  override readonly name = 'AlreadyVerified';
  readonly code = 'auth.already_verified';

  constructor() {
    super('This address is already verified. There is nothing left to do.');
  }
}

/** Never issued, used, replaced, expired, or of another account. One error for all, so that it does not tell which. */
export class InvalidLink extends Error {
  override readonly name = 'InvalidLink';
  readonly code = 'auth.invalid_link';

  constructor() {
    super('This link is not valid, or not any more. Please ask for a new one.');
  }
}
