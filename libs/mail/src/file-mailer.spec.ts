import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import PostalMime from 'postal-mime';
import { FileMailer } from './file-mailer.js';
import { type Mail, MailRefused, MailUnavailable } from './mailer.js';

const FROM = { name: 'Große "Dienste", Inc.', address: 'id@example.com' };

function aMail(fields: Partial<Mail> = {}): Mail {
  return { to: 'ada@example.com', subject: 'Grüße', text: 'Héllo.\n', html: '<p>Héllo.</p>', ...fields };
}

describe('FileMailer', () => {
  let home: string;
  let directory: string;
  let mailer: FileMailer;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'usher-mail-'));
    directory = join(home, 'made', 'when written to');
    mailer = new FileMailer(directory, FROM);
  });

  afterEach(async () => {
    await rm(home, { recursive: true });
  });

  async function written(): Promise<string[]> {
    const names = (await readdir(directory)).sort();
    return Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  }

  it('FileMailer writes a complete message that mail programs can read', async () => {
    await mailer.send(aMail());
    const [raw] = await written();
    const parsed = await PostalMime.parse(raw!);
    expect(parsed).toMatchObject({
      from: FROM,
      to: [{ address: 'ada@example.com' }],
      subject: 'Grüße',
      text: expect.stringMatching(/^Héllo\.\s+$/),
      html: expect.stringMatching(/^<p>Héllo\.<\/p>\s*$/),
    });
    expect(raw!.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(raw).toMatch(/^Date: /m);
    expect(raw).toMatch(/^Message-ID: <[^>]+@example\.com>\r$/m);
  });

  it('FileMailer keeps a link on one line, for people who open the file in an editor', async () => {
    const link = `https://app.example.com/verify-email#token=${'x'.repeat(100)}`;
    await mailer.send(aMail({ text: `Grüße:\n\n${link}\n` }));
    const [raw] = await written();
    expect(raw).toContain(`Grüße:\r\n\r\n${link}\r\n`);
    expect((await PostalMime.parse(raw!)).text).toContain(link);
  });

  it('FileMailer names files in the order of time, and only their owner can read them', async () => {
    const subjects = Array.from({ length: 20 }, (_, n) => `number ${n}`);
    for (const subject of subjects) await mailer.send(aMail({ subject }));
    const mails = await Promise.all((await written()).map((raw) => PostalMime.parse(raw)));
    expect(mails.map(({ subject }) => subject)).toEqual(subjects);
    for (const name of await readdir(directory)) {
      expect(name).toMatch(/^20\d\d-\d\d-\d\dT[\d-]+\.\d{3}Z-\d{6}-[0-9a-f]{8}\.eml$/);
      expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  it.each([
    'ada@example.com, eve@example.com',
    'ada@example.com\r\nBcc: eve@example.com',
    'ada@example.com\nSubject: x',
    'Ada <ada@example.com>',
    '<ada@example.com>',
    'friends: ada@example.com;',
    '"ada eve"@example.com',
    'ada@example.com ',
    'ada@eve@example.com',
    'ada@example.com\0',
    'ada@[127.0.0.1]',
    'ada',
    '',
  ])('FileMailer refuses to send to %j, which is not one address', async (to) => {
    await expect(mailer.send(aMail({ to }))).rejects.toBeInstanceOf(MailRefused);
    await expect(readdir(directory)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('FileMailer lets no subject, sender or text become a header', async () => {
    const evil = 'x\r\nBcc: eve@example.com\r\n\r\nbody\u2028more\0';
    await new FileMailer(directory, { name: evil, address: 'id@example.com' }).send(
      aMail({ subject: evil, text: evil, html: evil }),
    );
    const [raw] = await written();
    const { headers, bcc, to, subject } = await PostalMime.parse(raw!);
    expect(headers.map(({ key }) => key).sort()).toEqual(
      [
        'auto-submitted',
        'content-type',
        'date',
        'from',
        'message-id',
        'mime-version',
        'subject',
        'to',
      ].sort(),
    );
    expect([bcc, to]).toEqual([undefined, [{ address: 'ada@example.com', name: '' }]]);
    expect(subject).toMatch(/^x Bcc: eve@example\.com body more ?$/);
  });

  it('FileMailer keeps the latest thousand mails, and all other files', async () => {
    await mailer.send(aMail());
    const old = Array.from(
      { length: 1_010 },
      (_, n) => `2020-01-01T00-00-00.000Z-${String(n).padStart(6, '0')}.eml`,
    );
    await Promise.all(['notes.txt', ...old].map((name) => writeFile(join(directory, name), '')));
    await new FileMailer(directory, FROM).send(aMail()); // the first mail after a start deletes old files
    const left = (await readdir(directory)).sort();
    expect(left).toHaveLength(1_001);
    expect(left).toContain('notes.txt');
    expect(left).not.toContain(old[0]);
    expect(left).toContain(old.at(-1));
  });

  it('FileMailer throws MailUnavailable where it cannot write', async () => {
    await writeFile(join(home, 'made'), 'a file where the directory should be');
    await expect(mailer.send(aMail())).rejects.toBeInstanceOf(MailUnavailable);
  });
});
