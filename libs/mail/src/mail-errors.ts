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
