import { Settings } from '#config';
import { type Mail } from '#mail';
import { Injectable } from '@nestjs/common';
import { LinkAddresses } from './link-addresses.js';
import { isLink, type MailPurpose, type OutgoingMail } from '#accounts';

interface Wording {
  readonly subject: string;
  readonly what: string;
  /** The label of the button. */
  readonly label?: string;
  readonly ifNotYou: string;
}

const WORDINGS: Readonly<Record<MailPurpose, Wording>> = {
  verify_email: {
    subject: 'Confirm your email address',
    what: 'an account was created with this email address. To confirm that the address is yours, open this link:',
    label: 'Confirm my address',
    ifNotYou: 'If it was not you, do nothing: without this link the address cannot be confirmed.',
  },
  reset_password: {
    subject: 'Choose a new password',
    what: 'someone, probably you, requested a new password for the account with this email address. To choose one, open this link:',
    label: 'Choose a new password',
    ifNotYou:
      'If it was not you, do nothing: your password stays as it is. Do not share the link with anyone.',
  },
  change_email: {
    subject: 'Confirm your new email address',
    what: 'someone, probably you, chose this as the new email address of an account. To confirm that the address is yours, open this link:',
    label: 'Use this address',
    ifNotYou: 'If it was not you, do nothing: the account keeps its present address.',
  },
  password_changed: {
    subject: 'Your password was changed',
    what: 'the password of the account with this email address was changed, and all other devices were logged out.',
    ifNotYou: 'If it was not you, request a new password at once, with “forgot password”.',
  },
  email_change_asked: {
    subject: 'Your email address is to be changed',
    what: 'someone who knows your password, probably you, requested another email address for your account. It replaces this one once it is confirmed with the link that was mailed there.',
    ifNotYou: 'If it was not you, change your password at once: that also stops the change of the address.',
  },
  email_changed: {
    subject: 'Your email address was changed',
    what: 'your account now has another email address; this one no longer belongs to it.',
    ifNotYou: 'If it was not you, contact the operator of this service at once.',
  },
};

const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });

/** Writes the mails. No text from users gets into a mail: its reader would take it for ours. */
@Injectable()
export class MailWriter {
  constructor(
    private readonly settings: Settings,
    private readonly addresses: LinkAddresses,
  ) {}

  /** @param token for the link, if it has one */
  write(mail: OutgoingMail, token: string): Mail {
    const { purpose, email, newEmail } = mail;
    const { subject, what, label, ifNotYou } = WORDINGS[purpose];
    const content: MailContent = {
      subject,
      before: [what],
      ...(isLink(purpose) && { link: { label: label!, url: this.addresses.of(purpose, token) } }),
      after: [
        ...(isLink(purpose) ? [`The link works once, until ${timeOf(mail.expiresAt)}.`] : []),
        this.#origin(mail, isLink(purpose)),
        ifNotYou,
      ],
      signature: this.settings.mailFrom.name || this.settings.mailFrom.address,
    };
    return { to: newEmail ?? email, subject, text: asText(content), html: asHtml(content) };
  }

  #origin({ createdAt, address }: OutgoingMail, asked: boolean): string {
    const from = address === null ? '' : ` from the address ${address}`;
    return `This ${asked ? 'was requested' : 'happened'} on ${timeOf(createdAt)}${from}.`;
  }
}

function timeOf(date: Date): string {
  return `${TIME.format(date)} UTC`;
}

/** The content of a mail, before it becomes text and HTML. */
export interface MailContent {
  readonly subject: string;
  /** Paragraphs. */
  readonly before: readonly string[];
  readonly link?: { readonly label: string; readonly url: string };
  readonly after: readonly string[];
  /** The sender's name. */
  readonly signature: string;
}

export function asText({ before, link, after, signature }: MailContent): string {
  const paragraphs = ['Hello,', ...before, ...(link ? [link.url] : []), ...after, signature];
  return `${paragraphs.join('\n\n')}\n`;
}

/** Plain enough to look the same in every mail client: no images, nothing loaded. */
export function asHtml({ subject, before, link, after, signature }: MailContent): string {
  const url = link && escapeHtml(link.url);
  const button =
    link &&
    `<p style="margin: 24px 0"><a href="${url}" style="background: #1d4ed8; color: #ffffff; padding: 12px 20px; border-radius: 6px; text-decoration: none">${escapeHtml(link.label)}</a></p>
<p style="color: #4b5563">If the button does nothing, open this address:<br>${url}</p>`;
  const body = [
    ...['Hello,', ...before].map(paragraph),
    ...(button ? [button] : []),
    ...[...after, signature].map(paragraph),
  ];
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(subject)}</title></head>
<body style="font: 16px/1.5 sans-serif; color: #111827; max-width: 560px; margin: 0 auto; padding: 24px">
${body.join('\n')}
</body>
</html>
`;
}

function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
