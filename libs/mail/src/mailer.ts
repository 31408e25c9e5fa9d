import { type MailSender } from '#config';
import { type SendMailOptions } from 'nodemailer';

export interface Mail {
  /** One bare address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** The same for people who see more than text. */
  readonly html: string;
}

/** Sends mails, one attempt each: whoever sends keeps what must not be lost. The class is the DI token. */
export abstract class Mailer {
  /**
   * Resolves when somebody else has taken the mail over.
   *
   * @throws MailUnavailable: not now; after a failure in the middle it may have arrived all the same
   * @throws MailRefused: never
   */
  abstract send(mail: Mail): Promise<void>;

  /** Ends what is under way, which fails. */
  abstract close(): void;
}

/** One mailbox: nothing in it can end the address, begin another one, or end the line. */
const ADDRESS = /^[^\s\p{C}<>()[\],;:\\"@]{1,64}@[^\s\p{C}<>()[\],;:\\"@]{1,255}$/u;

/**
 * What nodemailer makes a message of (RFC 5322). Addresses are given as values, never as text to be read, and a line
 * break in a subject becomes a space: nothing that somebody chose can become a header or a recipient.
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
    // RFC 3834: nobody's holiday notice answers it.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** Whoever takes mails does not take any at the moment. It may be tried again. */
export class MailUnavailable extends Error {
  override readonly name = 'MailUnavailable';
  readonly code = 'mail.unavailable';

  /** @param reason without an address: servers repeat those in what they say, and this is for the log */
  constructor(reason: string) {
    super(`Mails cannot be sent at the moment (${reason}).`);
  }
}

/** This mail is not taken, and will not be: there is no such mailbox, or what is in it is not wanted. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused';
  readonly code = 'mail.refused';

  /** @param reason without an address */
  constructor(reason: string) {
    super(`The mail was refused (${reason}).`);
  }
}
