import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { type Response } from 'supertest';
import {
  changeAvatarAndCrash,
  decodePicture,
  sweepAvatars,
  uploadBytesHeld,
} from '../support/app/internals.js';
import { eventually } from '../support/time/eventually.js';
import { aUser, bearer, type TestUser } from '../support/app/users.js';
import { aNoisyPicture, aPicture, KINDS } from '../support/pictures/a-picture.js';
import { aBlankPng } from '../support/pictures/blank-png.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { aProblem, expectProblem } from '../support/http/problems.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestApp } from '../support/app/test-app.js';

const MAX_BYTES = 5 * 1024 * 1024;
const SERVICE = 'c2VydmljZS10b2tlbi1mb3ItdGhlLXBpY3R1cmVz';

describe('avatars', () => {
  let store: string;
  let redis: RedisServer;
  let database: TestDatabase;
  let proxy: TcpProxy;
  let one: TestApp;
  let other: TestApp;
  let person: TestUser;

  beforeAll(async () => {
    store = join(await makeTestDirectory(), 'pictures');
    redis = await RedisServer.start();
    database = await createTestDatabase();
    const url = new URL(database.url);
    proxy = await TcpProxy.start({ targetPort: Number(url.port), targetHost: url.hostname });
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    const env = { AVATAR_STORE: store, REDIS_URL: redis.url, SERVICE_TOKENS: `pictures:lookup=${SERVICE}` };
    one = await TestApp.start({ database, env, databaseUrl: url.href });
    other = await TestApp.start({ database, env });
  });

  beforeEach(async () => {
    await rm(store, { recursive: true, force: true });
    person = await aUser(one);
  });

  afterAll(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await proxy.stop();
    await redis.stop();
    await database.drop();
  });

  function upload(
    file: Buffer | string,
    filename = 'me.png',
    contentType = 'image/png',
    usher = one,
  ): PromiseLike<Response> {
    return usher.http
      .post('/auth/upload-avatar')
      .set(person.bearer)
      .attach('file', Buffer.from(file), { filename, contentType });
  }

  async function uploaded(file: Buffer): Promise<string> {
    const answer = await upload(file);
    expect([answer.status, answer.body.code]).toEqual([200, undefined]);
    expect(answer.body.avatar_url).toMatch(/^\/avatars\/[0-9a-f]{32}-512\.webp$/);
    return answer.body.avatar_url as string;
  }

  async function avatarUrl(usher = one): Promise<string | null> {
    const { body } = await usher.http.get('/auth/me').set(person.bearer).expect(200);
    return body.avatar_url as string | null;
  }

  /** Names of the files in the store, notes of pending ones included. */
  async function files(): Promise<string[]> {
    const entries = await readdir(store, { recursive: true, withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  }

  describe('upload', () => {
    it.each(KINDS)('upload of a %s becomes WebP in two public sizes', async (kind) => {
      const url = await uploaded(await aPicture(kind));
      expect(await avatarUrl()).toBe(url);
      expect(await files()).toHaveLength(2);
      for (const size of [512, 128]) {
        const { body, headers } = await one.http.get(url.replace('512', String(size))).expect(200);
        const { format, width, height } = await sharp(body as Buffer).metadata();
        expect([format, width, height]).toEqual(['webp', size, size]);
        expect(headers).toMatchObject({
          'content-type': 'image/webp',
          'content-length': String((body as Buffer).length),
          'cache-control': 'public, max-age=31536000, immutable',
          'content-disposition': expect.stringMatching(/^inline; filename="[0-9a-f]{32}-(512|128)\.webp"$/),
          'x-content-type-options': 'nosniff',
          'cross-origin-resource-policy': 'cross-origin',
        });
      }
    });

    it('upload is judged by its content, not by its name or declared type', async () => {
      const url = await uploaded(await aPicture());
      const html = await upload(await aPicture(), '../../evil.html', 'text/html');
      expect(html.status).toBe(200);
      expect(html.body.avatar_url).not.toBe(url);
      expect(html.body.avatar_url).not.toMatch(/evil|html/);
      const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
      expectProblem(await upload(svg), 422, 'avatars.not_a_picture');
      expectProblem(await upload('<!doctype html><script>alert(1)</script>'), 422, 'avatars.not_a_picture');
      expectProblem(await upload(''), 422, 'avatars.not_a_picture');
      expectProblem(await upload('GIF89a<script>alert(1)</script>'), 422, 'avatars.broken_picture');
      const half = (await aNoisyPicture('jpeg')).subarray(0, 5_000);
      expectProblem(await upload(half), 422, 'avatars.broken_picture');
      const bomb = aBlankPng(16_383, 16_383, { interlaced: true });
      expectProblem(await upload(bomb), 422, 'avatars.too_many_pixels');
      expect(await avatarUrl()).toBe(html.body.avatar_url);
      expect(await files()).toHaveLength(2);
    });

    it("upload replaces the user's picture, and no other user's", async () => {
      const former = await uploaded(await aPicture());
      await one.http.get(former).expect(200);
      const [mine, another] = [person, await aUser(one)];
      person = another;
      const theirs = await uploaded(await aPicture());
      person = mine;
      const url = await uploaded(await aPicture('gif'));
      expectProblem(await one.http.get(former), 404, 'not_found');
      for (const each of [url, theirs]) await one.http.get(each).expect(200);
      expect(await files()).toHaveLength(4);
    });

    it('upload leaves an avatar URL of another host alone', async () => {
      const foreign = `https://example.com/avatars/${'0'.repeat(32)}-512.webp`;
      await database.query('UPDATE users SET avatar_url = $2 WHERE id = $1', [person.id, foreign]);
      await uploaded(await aPicture());
      expect(await files()).toHaveLength(2);
    });

    it('upload is visible on another instance within Δ, which serves the picture too', async () => {
      expect(await avatarUrl(other)).toBeNull();
      const url = await uploaded(await aPicture());
      expect(await avatarUrl()).toBe(url);
      await eventually(async () => (await avatarUrl(other)) === url, { withinMs: 1_000 });
      await other.http.get(url).expect(200);
      const profile = await other.http.get(`/users/${person.id}`).set(person.bearer).expect(200);
      expect(profile.body.avatar_url).toBe(url);
    });

    it('parallel uploads of one user leave only the picture the profile shows', async () => {
      const picture = await aPicture();
      await uploaded(picture);
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, n) => upload(picture, 'me.png', 'image/png', n % 2 ? one : other)),
      );
      for (const answer of answers) {
        if (answer.status !== 200) expectProblem(answer, 503, 'avatars.busy');
      }
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(2);
      const url = (await avatarUrl())!;
      await one.http.get(url).expect(200);
      await sweepAvatars(one);
      expect((await files()).sort()).toEqual(
        [128, 512].map((size) => url.slice(9).replace('512', `${size}`)),
      );
    });

    it('upload runs once at a time per user, and others do not wait for it', async () => {
      const picture = await aPicture();
      const socket = await open(one);
      socket.write(head(person, 'Content-Length: 100000'));
      socket.write('--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nslowly');
      await eventually(() => uploadBytesHeld(one) > 0);
      const refused = await upload(picture);
      expectProblem(refused, 503, 'avatars.busy');
      expect(refused.headers).toHaveProperty('retry-after');
      const [mine, another] = [person, await aUser(one)];
      person = another;
      await uploaded(picture);
      person = mine;
      socket.destroy();
      await eventually(() => uploadBytesHeld(one) === 0);
      await uploaded(picture);
    });

    it('upload of a disconnected client is not decoded', async () => {
      const picture = await aPicture();
      const decoded = decodePicture(one, aBlankPng(7_000, 7_000));
      const body = Buffer.concat([
        Buffer.from('--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'),
        picture,
        Buffer.from('\r\n--x--\r\n'),
      ]);
      const socket = await open(one);
      socket.write(head(person, `Content-Length: ${body.length}`));
      socket.write(body);
      await eventually(() => uploadBytesHeld(one) === body.length);
      socket.destroy();
      await decoded;
      await eventually(() => uploadBytesHeld(one) === 0);
      expect(await avatarUrl()).toBeNull();
      expect(await files()).toEqual([]);
    });

    it('upload requires a user', async () => {
      const picture = await aPicture();
      const send = (token?: string): PromiseLike<Response> =>
        one.http
          .post('/auth/upload-avatar')
          .set(token === undefined ? {} : bearer(token))
          .attach('file', picture, 'me.png');
      expectProblem(await send(), 401, 'auth.missing_token');
      expectProblem(await send('nonsense'), 401, 'auth.invalid_token');
      expectProblem(await send(SERVICE), 403, 'auth.forbidden');
      expect(await files()).toEqual([]);
    });
  });

  describe('body', () => {
    const part = (name: string, content: string, filename = '; filename="a.png"'): string =>
      `--x\r\nContent-Disposition: form-data; name="${name}"${filename}\r\nContent-Type: image/png\r\n\r\n${content}\r\n`;

    function send(body: string | Buffer, type = 'multipart/form-data; boundary=x'): PromiseLike<Response> {
      return one.http
        .post('/auth/upload-avatar')
        .set(person.bearer)
        .set('content-type', type)
        .serialize((sent) => sent as unknown as string)
        .send(body);
    }

    it('body of 5 MB is read, one byte more gets 413, with and without a length', async () => {
      expectProblem(await upload(Buffer.alloc(MAX_BYTES)), 422, 'avatars.not_a_picture');
      expectProblem(await upload(Buffer.alloc(MAX_BYTES + 1)), 413, 'avatars.too_large');
      expectProblem(await upload(Buffer.alloc(2 * MAX_BYTES)), 413, 'avatars.too_large');
      for (const [bytes, status] of [
        [MAX_BYTES, 422],
        [MAX_BYTES + 1, 413],
      ] as const) {
        const body = new Blob([part('file', '').slice(0, -2), Buffer.alloc(bytes), '\r\n--x--\r\n']).stream();
        const answer = await fetch(`${one.url}/auth/upload-avatar`, {
          method: 'POST',
          headers: { ...person.bearer, 'content-type': 'multipart/form-data; boundary=x' },
          body,
          duplex: 'half',
        });
        expect(answer.status).toBe(status);
        await answer.arrayBuffer();
      }
    });

    it('endless body is answered early, cut off and not kept in memory', async () => {
      const socket = await open(one);
      socket.write(head(person, 'Transfer-Encoding: chunked'));
      socket.write(chunked(part('file', '').slice(0, -2)));
      const piece = chunked('x'.repeat(64 * 1024));
      let sent = 0;
      let answer = '';
      socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
      const before = process.memoryUsage.rss();
      while (!socket.closed && sent < 200 * 1024 * 1024) {
        sent += piece.length;
        if (!socket.write(piece)) await once(socket, 'drain').catch(() => undefined); // or its end
      }
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      expect(answer).toContain('avatars.too_large');
      expect(sent).toBeLessThan(60 * 1024 * 1024); // with what sockets hold
      expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 1024 * 1024);
      expect(uploadBytesHeld(one)).toBe(0);
    });

    it('large slow body is answered once and cut off', async () => {
      const socket = await open(one);
      let answer = '';
      socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
      socket.write(head(person, `Content-Length: ${2 * MAX_BYTES}`));
      await eventually(() => answer.includes('avatars.too_large'));
      socket.write('slowly');
      await once(socket, 'close'); // far sooner than the 408 of the server
      expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    });

    it.each([
      ['has no boundary', 'multipart/form-data', part('file', 'x')],
      ['has an empty boundary', 'multipart/form-data; boundary=', part('file', 'x')],
      ['has another boundary', 'multipart/form-data; boundary=other', `${part('file', 'x')}--x--\r\n`],
      ['ends within the file', 'multipart/form-data; boundary=x', part('file', 'x')],
      ['ends within the headers', 'multipart/form-data; boundary=x', '--x\r\nContent-Dispo'],
      ['is no multipart', 'multipart/form-data; boundary=x', '{"file": "x"}'],
      ['has a name of JavaScript', 'multipart/form-data; boundary=x', `${part('__proto__', 'x')}--x--\r\n`],
    ])('body that %s gets 400', async (_, type, body) => {
      expectProblem(await send(body, type), 400, 'request.invalid_multipart');
      await upload(await aPicture());
    });

    it.each([
      ['nothing in it', '--x--\r\n'],
      ['no byte', ''],
      ['a file of another name', `${part('picture', 'x')}--x--\r\n`],
      ['`file` as text', `--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--x--\r\n`],
    ])('body with %s lacks the file', async (_, body) => {
      expect(expectProblem(await send(body), 422, 'request.validation')).toEqual(['body.file: missing']);
    });

    it('body may have extra fields, but no second file', async () => {
      const answer = await one.http
        .post('/auth/upload-avatar')
        .set(person.bearer)
        .field('caption', 'x'.repeat(5_000))
        .attach('file', await aPicture(), 'me.png');
      expect(answer.status).toBe(200);
      const two = `${part('file', 'x')}${part('file', 'y')}--x--\r\n`;
      expectProblem(await send(two), 400, 'request.duplicate_field');
      const fields = Array.from({ length: 40 }, (_, n) => part(`f${n}`, 'x', '')).join('');
      expectProblem(await send(`${fields}${part('file', 'x')}--x--\r\n`), 400, 'request.invalid_multipart');
    });

    it.each([
      ['without a disposition', 'X-Nothing: 1'],
      ['that is an attachment', 'Content-Disposition: attachment; name="file"; filename="a.png"'],
      [
        'with a line break in its name',
        'Content-Disposition: form-data; name*=utf-8\'\'a%0D%0Ab; filename="a"',
      ],
    ])('body with a big part %s is answered and blocks no later upload', async (_, header) => {
      for (const size of [16 * 1024, 60 * 1024, 200 * 1024]) {
        const skipped = `--x\r\n${header}\r\n\r\n${'x'.repeat(size)}\r\n`;
        const socket = await open(one);
        let answer = '';
        socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
        const body = `${part('file', 'GIF89a')}${skipped}--x--\r\n`;
        // In one piece, so that the parser sees the part and the end in one read.
        socket.write(`${head(person, `Content-Length: ${body.length}`)}${body}`);
        await eventually(() => /^HTTP\/1\.1 4/.test(answer), { withinMs: 2_500 });
        socket.destroy();
      }
      expect(uploadBytesHeld(one)).toBe(0);
      await uploaded(await aPicture());
    });

    it('body of a client that hangs up early blocks no later upload', async () => {
      const body = `${part('file', 'GIF89a')}--x--\r\n`;
      for (let time = 0; time < 5; time++) {
        const socket = await open(one);
        socket.write(`${head(person, `Content-Length: ${body.length}`)}${body}`);
        socket.destroySoon();
        await once(socket, 'close');
      }
      await eventually(async () => (await upload(await aPicture())).status === 200, { withinMs: 2_500 });
      expect(uploadBytesHeld(one)).toBe(0);
    });

    it.each([
      'application/json',
      'image/png',
      'multipart/mixed; boundary=x',
      'application/x-www-form-urlencoded',
    ])('body of type %s gets 415', async (type) => {
      expectProblem(await send('{}', type), 415, 'request.unsupported_media_type');
    });

    it('mangled body gets 400 or 422, and none of it stays in memory', async () => {
      const good = `${part('caption', 'x', '')}${part('file', 'GIF89a', '; filename="a.gif"')}--x--\r\n`;
      const inserted = fc.oneof(
        fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
        fc.constantFrom('\r\n', '\n', '\0', '--x', '--x--', '\r\n--x\r\n', ': ', '"', part('file', 'GIF89a')),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: good.length }),
          fc.nat({ max: 60 }),
          inserted,
          async (at, removed, text) => {
            const body = good.slice(0, at) + text + good.slice(at + removed);
            const answer = await send(Buffer.from(body, 'latin1'));
            expect([400, 422]).toContain(aProblem(answer).status);
          },
        ),
        { numRuns: 300, interruptAfterTimeLimit: 5_000 },
      );
      // At the time limit fast-check leaves one request unfinished.
      await eventually(() => uploadBytesHeld(one) === 0);
    });

    it('bodies aborted midway, 200 times, leave no file, descriptor or memory', async () => {
      const picture = await aNoisyPicture('png', 200, 200);
      await uploaded(picture);
      const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
      const people = await Promise.all(Array.from({ length: 20 }, () => aUser(one)));
      const before = { files: (await files()).sort(), descriptors: await descriptors() };
      for (let round = 0; round < 10; round++) {
        const sockets = await Promise.all(
          people.map(async (each, n) => {
            const socket = await open(one);
            socket.write(head(each, `Content-Length: ${picture.length + 500}`));
            socket.write(part('file', '').slice(0, -2));
            socket.write(picture.subarray(0, (picture.length * n) / 20));
            return socket;
          }),
        );
        await eventually(() => uploadBytesHeld(one) > 0);
        for (const [n, socket] of sockets.entries()) {
          if (n % 2) socket.resetAndDestroy();
          else socket.end();
        }
        await eventually(() => sockets.every((socket) => socket.closed));
      }
      await eventually(() => uploadBytesHeld(one) === 0);
      expect((await files()).sort()).toEqual(before.files);
      await eventually(async () => (await descriptors()) <= before.descriptors + 2);
      await uploaded(picture);
    });
  });

  describe('picture', () => {
    it('picture answers 304 to its ETag, and HEAD describes it', async () => {
      const url = await uploaded(await aPicture());
      const { headers, body } = await one.http.get(url).expect(200);
      const etag = headers.etag!;
      expect(etag).toMatch(/^"[^"]+"$/);
      for (const known of [etag, `W/${etag}`, `"a", ${etag}`, '*']) {
        const answer = await one.http.get(url).set('if-none-match', known).expect(304);
        expect(answer.headers).toMatchObject({ etag, 'cache-control': headers['cache-control'] });
        expect(answer.headers).not.toHaveProperty('content-type');
      }
      await one.http.get(url).set('if-none-match', '"other"').expect(200);
      const asked = await one.http.head(url).expect(200);
      expect(asked.headers).toMatchObject({
        'content-type': 'image/webp',
        'content-length': String((body as Buffer).length),
        etag,
      });
    });

    it('picture has exactly one address', async () => {
      const url = await uploaded(await aPicture());
      const id = url.slice(9, 41);
      await writeFile(join(store, '..', 'secret.webp'), 'secret');
      const names = [
        `${id}-256.webp`,
        `${id}-512.png`,
        `${id.toUpperCase()}-512.WEBP`,
        id,
        `${randomBytes(16).toString('hex')}-512.webp`,
        `pending%2f${id}`,
        '..%2fsecret.webp',
        '%2e%2e%2fsecret.webp',
        '..%5csecret.webp',
        `..%2f${id}-512.webp`,
        `${id}-512.webp%0a`,
        'pending',
      ];
      for (const name of names) {
        const answer = await one.http.get(`/avatars/${name}`);
        expect([name, aProblem(answer).code]).toEqual([name, 'not_found']);
      }
      expectProblem(await one.http.get(`/avatars/${id}-512.webp%00`), 400, 'request.invalid_text');
      await one.http.head(`/avatars/${id}-513.webp`).expect(404);
    });

    it('picture is gone after DELETE, which may be repeated', async () => {
      const url = await uploaded(await aPicture());
      for (let time = 0; time < 2; time++) {
        await one.http.delete('/auth/avatar').set(person.bearer).expect(204);
        expect(await avatarUrl()).toBeNull();
        for (const usher of [one, other]) {
          for (const size of ['512', '128']) {
            const answer = await usher.http.get(url.replace('512', size)).set('if-none-match', '*');
            expectProblem(answer, 404, 'not_found');
          }
        }
      }
      expect(await files()).toEqual([]);
      expectProblem(await one.http.delete('/auth/avatar'), 401, 'auth.missing_token');
    });
  });

  describe('failure', () => {
    it('full disk gets 503 and changes nothing', async () => {
      const url = await uploaded(await aPicture());
      await rename(store, `${store}.away`);
      await writeFile(store, 'no directory');
      try {
        expectProblem(await upload(await aPicture()), 503, 'storage.unavailable');
        expectProblem(await one.http.delete('/auth/avatar').set(person.bearer), 503, 'storage.unavailable');
        expectProblem(await one.http.get(url), 503, 'storage.unavailable');
        expect(await avatarUrl()).toBe(url);
      } finally {
        await rm(store);
        await rename(`${store}.away`, store);
      }
      await one.http.get(url).expect(200);
      await uploaded(await aPicture());
    });

    it('unreachable database gets 503 and leaves no file', async () => {
      const url = await uploaded(await aPicture());
      const before = (await files()).sort();
      await proxy.cut();
      try {
        expectProblem(await upload(await aPicture()), 503, 'database.unavailable');
      } finally {
        await proxy.heal();
      }
      const pictures = (await files()).filter((name) => name.endsWith('.webp'));
      expect(pictures.sort()).toEqual(before);
      await eventually(async () => (await one.http.get('/health/ready')).status === 200);
      await eventually(async () => (await upload(await aPicture())).status === 200);
      await one.http.get(url).expect(404);
      await sweepAvatars(one);
      expect(await files()).toHaveLength(2);
    });

    it('picture uploaded meanwhile is noted for removal before it is replaced', async () => {
      const picture = await aPicture();
      const change = { store, userId: person.id, picture };
      const url = await changeAvatarAndCrash(one, change, () => uploaded(picture));
      expect(await sweepAvatars(one)).toBe(1);
      expect((await files()).sort()).toEqual(
        [128, 512].map((size) => url.slice(9).replace('512', `${size}`)),
      );
    });

    it('sweep removes what a crash left, and nothing in use or never noted', async () => {
      const url = await uploaded(await aPicture());
      const id = url.slice(9, 41);
      const orphan = randomBytes(16).toString('hex');
      const foreign = `${randomBytes(16).toString('hex')}-512.webp`; // of another database in the same directory
      await mkdir(join(store, 'pending'), { recursive: true });
      for (const name of [
        `pending/${id}`,
        `pending/${orphan}`,
        'pending/.nfs',
        `${orphan}-512.webp`,
        foreign,
      ]) {
        await writeFile(join(store, name), '');
      }
      expect(await sweepAvatars(one, 60_000)).toBe(0); // it may still be under way
      expect(await sweepAvatars(one)).toBe(1);
      expect((await files()).sort()).toEqual(['.nfs', `${id}-128.webp`, `${id}-512.webp`, foreign].sort());
    });
  });
});

async function open(usher: TestApp): Promise<Socket> {
  const socket = connect(Number(new URL(usher.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket.resume();
}

function head({ token }: TestUser, length: string): string {
  return [
    'POST /auth/upload-avatar HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${token}`,
    'Content-Type: multipart/form-data; boundary=x',
    length,
    '\r\n',
  ].join('\r\n');
}

function chunked(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}
