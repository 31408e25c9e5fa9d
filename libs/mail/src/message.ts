import { type MailSender } from '#config';
import { type SendMailOptions } from 'nodemailer';
import { type Mail } from './mailer.js';
import { MailRefused } from './mail-errors.js';

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
