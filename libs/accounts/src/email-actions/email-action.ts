import { createHash, randomBytes } from 'node:crypto';

/** Links, each of which proves that whoever uses it reads the mails of an address. */
export type LinkPurpose = 'verify_email' | 'reset_password' | 'change_email';

/** What is only told. */
export type NoticePurpose = 'password_changed' | 'email_change_asked' | 'email_changed';

export type MailPurpose = LinkPurpose | NoticePurpose;

/** From when a link is asked for, whenever it is sent. */
export const LINK_LIFETIME_SECONDS: Readonly<Record<LinkPurpose, number>> = {
  verify_email: 86_400,
  reset_password: 1_800,
  change_email: 3_600,
};

/** For so long it is tried to send a notice. */
export const NOTICE_LIFETIME_SECONDS = 86_400;

/**
 * How often the same link is mailed to one user, whoever asks. Whoever asks more often is not told, and the link that
 * was mailed stays good.
 */
export const ASKED_AGAIN_AFTER_SECONDS = 60;
export const ASKED_AN_HOUR = 5;

export function isLink(purpose: MailPurpose): purpose is LinkPurpose {
  return purpose in LINK_LIFETIME_SECONDS;
}

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

/** The link is good, and there is nothing left for it to do: it was used before, or a reset proved the same. */
export class AlreadyVerified extends Error {
  override readonly name = 'AlreadyVerified';
  readonly code = 'auth.already_verified';

  constructor() {
    super('This address is already verified. There is nothing left to do.');
  }
}

/** Never made, used, replaced, expired, or of another account by now: one answer, so that it tells nobody which. */
export class InvalidLink extends Error {
  override readonly name = 'InvalidLink';
  readonly code = 'auth.invalid_link';

  constructor() {
    super('This link is not valid, or not any more. Please ask for a new one.');
  }
}
