import { type MailSender } from '#config';
import { createTransport } from 'nodemailer';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Mail, Mailer, MailUnavailable, messageOf } from './mailer.js';

/** The latest mails that are kept, plus those since the last clean-up. */
const KEPT = 1_000;
const CLEAN_UP_EVERY = 100;

const MAIL = /^\d{4}-.*\.eml$/;

/**
 * Writes mails to a directory instead of sending them: each is a file `…Z-….eml` that any mail program opens, sorted by time.
 * They contain valid links, so only this user may read them.
 */
export class FileMailer extends Mailer {
  readonly #transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  #written = 0;

  /** @param directory absolute; made when first written to */
  constructor(
    private readonly directory: string,
    private readonly from: MailSender,
  ) {
    super();
  }

  async send(mail: Mail): Promise<void> {
    const { message } = await this.#transport.sendMail({
      ...messageOf(this.from, mail),
      text: legible(mail.text),
    });
    const path = join(this.directory, this.#name());
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      // A program that watches the directory sees only complete mails.
      await writeFile(`${path}.part`, message, { mode: 0o600, flag: 'wx' });
      await rename(`${path}.part`, path);
      if (this.#written % CLEAN_UP_EVERY === 1) await this.#cleanUp();
    } catch (error) {
      throw new MailUnavailable(String((error as NodeJS.ErrnoException).code));
    }
  }

  close(): void {}

  #name(): string {
    const time = new Date().toISOString().replaceAll(':', '-');
    const number = String(this.#written++).padStart(6, '0'); // several may have one time
    return `${time}-${number}-${randomBytes(4).toString('hex')}.eml`;
  }

  /** Otherwise registrations could fill the disk. */
  async #cleanUp(): Promise<void> {
    const mails = (await readdir(this.directory)).filter((name) => MAIL.test(name)).sort();
    for (const old of mails.slice(0, -KEPT)) await rm(join(this.directory, old), { force: true });
  }
}

/** Without an encoding: nodemailer would break links, and developers open these files in an editor. */
function legible(text: string): { raw: string } {
  const head = 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit';
  return { raw: `${head}\r\n\r\n${text.replace(/\r?\n|\r/g, '\r\n')}` };
}
