import { type Format, FormatError } from './format.js';
import { printable } from './text.js';

/** Whom mails come from. */
export interface MailSender {
  /** May be empty. */
  readonly name: string;
  readonly address: string;
}

const NAMED = /^(?<name>[^<>]*)<(?<address>[^<>]*)>$/;
/** One mailbox, and nothing that could end it or begin another one. `localhost` will do. */
const ADDRESS = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const PRINTABLE = printable(200);

export const mailSender: Format<MailSender> = {
  expects: 'an email address, or a name and an address such as Example <accounts@example.com>',
  parse(text) {
    const { name = '', address = text } = NAMED.exec(PRINTABLE.parse(text))?.groups ?? {};
    if (!ADDRESS.test(address)) throw new FormatError();
    return Object.freeze({ name: name.trim().replace(/^"([^"\\]*)"$/, '$1'), address });
  },
};
