import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { eventually } from '../time/eventually.js';

/** A mail as it arrived. */
export interface ReceivedMail {
  /** Of the envelope: who really got it. */
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  readonly parsed: Email;
}

const USER = 'usher';
const PASSWORD = 'mail/p@ss';

/** A real SMTP server on loopback, which asks for a password and keeps what it gets. It can go away and come back. */
export class MailServer {
  readonly mails: ReceivedMail[] = [];
  /** How many connections there were at once. */
  mostConnections = 0;
  /** How often a password arrived, right or wrong. */
  logins = 0;
  /** Addresses without a mailbox. */
  readonly unknown = new Set<string>();
  readonly #taken = new Set<ReceivedMail>();
  #server: SMTPServer | undefined;
  #port = 0;

  static async start(): Promise<MailServer> {
    const server = new MailServer();
    await server.resume();
    return server;
  }

  get url(): string {
    return `smtp://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${this.#port}`;
  }

  /** At the same address as before. */
  async resume(): Promise<void> {
    const server = new SMTPServer({
      hideSTARTTLS: true,
      closeTimeout: 50, // then connections that clients keep are cut
      onConnect: (_session, done) => {
        this.mostConnections = Math.max(this.mostConnections, server.connections.size);
        done();
      },
      onAuth: ({ username, password }, _session, done) => {
        this.logins++;
        const known = username === USER && password === PASSWORD;
        if (known) done(null, { user: USER });
        else done(new Error('Who are you?'));
      },
      onRcptTo: ({ address }, _session, done) => {
        if (!this.unknown.has(address)) return done();
        done(Object.assign(new Error(`5.1.1 <${address}>: no such mailbox`), { responseCode: 550 }));
      },
      onData: (stream, { envelope }, done) => {
        void text(stream).then(async (raw) => {
          this.mails.push({
            from: envelope.mailFrom ? envelope.mailFrom.address : '',
            to: envelope.rcptTo.map(({ address }) => address),
            raw,
            parsed: await PostalMime.parse(raw),
          });
          done();
        });
      },
    });
    server.on('error', () => undefined); // connections that clients break
    const listening = server.listen(this.#port, '127.0.0.1');
    await once(listening, 'listening');
    this.#port = (listening.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) await new Promise<void>((resolve) => server.close(resolve));
  }

  /** The first mail to this address, with this in its subject, that was not returned before. */
  async next(to: string, subject: RegExp): Promise<ReceivedMail> {
    let mail: ReceivedMail | undefined;
    await eventually(
      () => (mail = this.#waiting(to).find((each) => subject.test(each.parsed.subject!))) !== undefined,
    );
    this.#taken.add(mail!);
    return mail!;
  }

  /** What has arrived for this address and was not asked for, by subject. */
  waiting(to: string): string[] {
    return this.#waiting(to).map(({ parsed }) => parsed.subject!);
  }

  #waiting(to: string): ReceivedMail[] {
    return this.mails.filter((mail) => mail.to.includes(to) && !this.#taken.has(mail));
  }
}

/** The token of the link in a mail, which must be the same in both of its parts. */
export function tokenIn({ parsed }: ReceivedMail, base: string, path: string): string {
  const links = [parsed.text!, parsed.html!].map((part) =>
    /(https?:\/\/[^\s"<]+)#token=([\w-]{43})/.exec(part),
  );
  const [[, url, token] = [], [, ...inHtml] = []] = links.map((link) => link ?? []);
  if (url !== `${base}/${path}` || inHtml[0] !== url || inHtml[1] !== token) {
    throw new Error(`The mail has no link to ${path}, or two: ${String(url)}, ${String(inHtml[0])}`);
  }
  return token!;
}
