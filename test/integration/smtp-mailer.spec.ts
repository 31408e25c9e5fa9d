import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { MailRefused, MailUnavailable, SmtpMailer } from '#mail';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MailServer } from '../support/mail/mail-server.js';

const FROM = { name: 'Usher', address: 'id@example.com' };
const MAIL = { to: 'ada@example.com', subject: 'Hello', text: 'Hello.\n.\nMore.\n', html: '<p>Hello.</p>' };

describe('SmtpMailer', () => {
  let server: MailServer;
  let mailer: SmtpMailer;

  beforeAll(async () => {
    server = await MailServer.start();
    mailer = new SmtpMailer(server.url, FROM);
  });

  afterAll(async () => {
    mailer.close();
    await server.stop();
  });

  async function failureOf(send: Promise<void>): Promise<Error> {
    return send.then(
      () => new Error('It was sent.'),
      (error: Error) => error,
    );
  }

  it('SmtpMailer sends to the given recipient only, over few connections', async () => {
    const mails = Array.from({ length: 20 }, (_, n) => ({ ...MAIL, to: `ada.${n}@example.com` }));
    await Promise.all(mails.map((mail) => mailer.send(mail)));
    expect(server.mails.map(({ to }) => to).sort()).toEqual(mails.map(({ to }) => [to]).sort());
    expect(server.mails[0]!.parsed.text).toMatch(/^Hello\.\n\.\nMore\.\n/); // a line of one dot ends nothing
    expect(server.mostConnections).toBeLessThanOrEqual(3);
    await expect(
      mailer.send({ ...MAIL, to: 'ada@example.com>\r\nRCPT TO:<eve@example.com' }),
    ).rejects.toBeInstanceOf(MailRefused);
  });

  it('SmtpMailer tells permanent from temporary refusals, and repeats no address', async () => {
    server.unknown.add('nobody@example.com');
    const refused = await failureOf(mailer.send({ ...MAIL, to: 'nobody@example.com' }));
    expect(refused).toBeInstanceOf(MailRefused);
    const wrong = new SmtpMailer(server.url.replace('usher:', 'somebody:'), FROM);
    const unknown = await failureOf(wrong.send(MAIL));
    expect(unknown).toBeInstanceOf(MailUnavailable);
    wrong.close();
    await server.stop();
    const away = await failureOf(mailer.send(MAIL));
    expect(away).toBeInstanceOf(MailUnavailable);
    await server.resume();
    await mailer.send(MAIL); // and nothing is left of it
    for (const { message, stack, cause } of [refused, unknown, away]) {
      expect([message, stack, String(cause)].join()).not.toMatch(/@example|p@ss|somebody/);
    }
  });

  it('SmtpMailer sends a password in clear to loopback only', async () => {
    // Another name of this machine, so that it counts as another one.
    const elsewhere = new SmtpMailer(server.url.replace('127.0.0.1', '0.0.0.0'), FROM);
    const { logins } = server;
    expect(await failureOf(elsewhere.send(MAIL))).toBeInstanceOf(MailUnavailable);
    expect(server.logins).toBe(logins);
    elsewhere.close();
  });

  it.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => undefined],
    ['stops after its greeting', (socket) => void socket.write('220 here\r\n')],
    ['never comes to an end', (socket) => void setInterval(() => socket.write('220-and\r\n'), 20).unref()],
    ['hangs up', (socket) => void socket.destroy()],
    ['talks nonsense', (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('SmtpMailer times out on a server that %s', async (_, answer) => {
    const { silent, port } = await aServer(answer);
    const patient = new SmtpMailer(`smtp://127.0.0.1:${port}`, FROM, { stepMs: 150, sendMs: 300 });
    const sentAt = performance.now();
    expect(await failureOf(patient.send(MAIL))).toBeInstanceOf(MailUnavailable);
    expect(performance.now() - sentAt).toBeLessThan(2_000);
    patient.close();
    silent.close();
  });

  it('SmtpMailer ends pending mails when closed', async () => {
    const { silent, port } = await aServer(() => undefined);
    const closing = new SmtpMailer(`smtp://127.0.0.1:${port}`, FROM);
    const sending = failureOf(closing.send(MAIL));
    await once(silent, 'connection');
    closing.close();
    expect(await sending).toBeInstanceOf(MailUnavailable);
    silent.close();
  });

  async function aServer(answer: (socket: Socket) => void): Promise<{ silent: Server; port: number }> {
    const silent = createServer((socket) => {
      socket.resume().on('error', () => undefined); // it may be cut off
      answer(socket);
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    return { silent, port: (silent.address() as AddressInfo).port };
  }
});
