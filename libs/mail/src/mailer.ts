import { type MailSender } from '#config';
import { type SendMailOptions } from 'nodemailer';

export interface Mail {
  /** One bare address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** The same as HTML. */
  readonly html: string;
}

/** Sends mails, one attempt each; retries are the caller's. The class is the DI token. */
export abstract class Mailer {
  /**
   * Resolves when a server or the disk has accepted the mail.
   *
   * @throws MailUnavailable retrying may help; the mail may have been sent nevertheless
   * @throws MailRefused retrying does not help
   */
  abstract send(mail: Mail): Promise<void>;

  /** Aborts mails in progress; their `send` throws. */
  abstract close(): void;
}

/** One mailbox: nothing in it can end the address, begin another one, or end the line. */
const ADDRESS = /^[^\s\p{C}<>()[\],;:\\"@]{1,64}@[^\s\p{C}<>()[\],;:\\"@]{1,255}$/u;

/**
 * What nodemailer makes a message of (RFC 5322). Addresses are given as values, never as text to be read, and a line
 * break in a subject becomes a space: no user's input can become a header or a recipient.
 *
 * @throws MailRefused when `to` is not one address
 */
export function messageOf(from: MailSender, { to, subject, text, html }: Mail): SendMailOptions {
  if (!ADDRESS.test(to)) throw new MailRefused('not an address');
  return {
    from: { ...from },
    to: { name: '', address: to },
    envelope: { from: from.address, to: [to] },
    subject: subject.replace(/[\p{Cc}\u2028\u2029]+/gu, ' '),
    text,
    html,
    // RFC 3834: automatic responders do not answer it.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** The server or the disk does not accept mails at the moment. Retrying may help. */
export class MailUnavailable extends Error {
  override readonly name = 'MailUnavailable';
  readonly code = 'mail.unavailable';

  /** @param reason without an address: servers repeat those in what they say, and this is for the log */
  constructor(reason: string) {
    super(`Mails cannot be sent at the moment (${reason}).`);
  }
}

/** The server refuses this mail for good: there is no such mailbox, or it refuses the content. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused';
  readonly code = 'mail.refused';

  /** @param reason without an address */
  constructor(reason: string) {
    super(`The mail was refused (${reason}).`);
  }
}
