import { type MailSender } from '#config';
import { createTransport } from 'nodemailer';
import { type Mail, Mailer, MailRefused, MailUnavailable, messageOf } from './mailer.js';

/** In milliseconds: each step of the conversation, and all of it. */
export interface SmtpPatience {
  stepMs: number;
  sendMs: number;
}

/** A working server answers far sooner. */
const PATIENCE: SmtpPatience = { stepMs: 5_000, sendMs: 15_000 };
const MOST_CONNECTIONS = 3;

const THIS_MACHINE = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** Sends by SMTP over a few connections that are reused. */
export class SmtpMailer extends Mailer {
  readonly #transport;

  /** @param url smtp://user:password@host:587, or smtps://… for TLS from the start */
  constructor(
    url: string,
    private readonly from: MailSender,
    private readonly patience: SmtpPatience = PATIENCE,
  ) {
    super();
    const { protocol, hostname, port, username, password } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const secure = protocol === 'smtps:';
    const hasPassword = password !== '';
    this.#transport = createTransport({
      pool: true,
      host,
      port: port === '' ? (secure ? 465 : 587) : Number(port),
      secure,
      // Without a password TLS is taken where it is offered; a password never goes out in clear.
      requireTLS: !secure && hasPassword && !THIS_MACHINE.test(host),
      ...(hasPassword && {
        auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
      }),
      maxConnections: MOST_CONNECTIONS,
      maxRequeues: 1,
      connectionTimeout: patience.stepMs,
      greetingTimeout: patience.stepMs,
      dnsTimeout: patience.stepMs,
      socketTimeout: patience.stepMs,
      idleTimeout: 30_000,
    });
  }

  async send(mail: Mail): Promise<void> {
    const message = messageOf(this.from, mail);
    try {
      await this.#transport.sendMail({ ...message, signal: AbortSignal.timeout(this.patience.sendMs) });
    } catch (error) {
      throw mailErrorOf(error);
    }
  }

  close(): void {
    this.#transport.close({ force: true });
  }
}

/** Servers repeat addresses in their messages, so only codes are kept. */
function mailErrorOf(error: unknown): MailRefused | MailUnavailable {
  const { code, responseCode } = error as { code?: string; responseCode?: number };
  const reason = [code, responseCode].filter((each) => each !== undefined).join(' ') || 'no reason given';
  // RFC 5321, section 4.2.1: the same again has no better chance. (What is wrong with our own login may be mended.)
  const final = responseCode !== undefined && responseCode >= 500;
  return final && (code === 'EENVELOPE' || code === 'EMESSAGE')
    ? new MailRefused(reason)
    : new MailUnavailable(reason);
}
