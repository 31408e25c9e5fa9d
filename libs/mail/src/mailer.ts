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
