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
