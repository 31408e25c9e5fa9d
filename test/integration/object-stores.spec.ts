import { type ObjectStore, DiskStore, openStore, StorageUnavailable } from '#storage';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { aUser } from '../support/app/users.js';
import { aPicture } from '../support/pictures/a-picture.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { expectProblem } from '../support/http/problems.js';
import { CREDENTIALS, S3Server } from '../support/s3/s3-server.js';
import { TestApp } from '../support/app/test-app.js';

const AT = '2026-01-02T03:04:05.000Z';

let s3: S3Server;

beforeAll(async () => {
  Object.assign(process.env, CREDENTIALS); // where the SDK looks first
  s3 = await S3Server.start('pictures');
});

afterAll(async () => {
  await s3.stop();
});

function openBucket(address: string, s3Endpoint = s3.url): Promise<ObjectStore> {
  return openStore({ address, s3Endpoint, s3Region: 'us-east-1' });
}

/** What every store does, each held against the real thing. */
describe.each([
  ['DiskStore', async () => new DiskStore(join(await makeTestDirectory(), 'made', 'when written to'))],
  ['S3Store', () => openBucket(`s3://pictures/of/${randomBytes(4).toString('hex')}`)],
] satisfies [string, () => Promise<ObjectStore>][])('%s', (_, open) => {
  let store: ObjectStore;

  beforeEach(async () => {
    store = await open();
  });

  it('store returns the bytes that were put', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from([0, 13, 10, 255]), randomBytes(300_000)]) {
      const name = aName();
      await store.put(name, bytes);
      expect((await store.get(name))!.equals(bytes)).toBe(true);
    }
  });

  it('store has nothing under an unknown or deleted name', async () => {
    const name = aName();
    expect(await store.get(name)).toBeUndefined();
    await store.put(name, Buffer.from('x'));
    await store.delete(name);
    expect(await store.get(name)).toBeUndefined();
    await store.delete(name); // that there is none is no fault
  });

  it('store overwrites on a second put', async () => {
    const name = aName();
    for (let time = 0; time < 2; time++) await store.put(name, Buffer.from('the same'));
    expect((await store.get(name))!.toString()).toBe('the same');
  });

  it('store lists a folder with times, and nothing else', async () => {
    expect(await store.list('folder')).toEqual([]);
    const before = Date.now();
    for (const name of ['folder/a', 'folder/b', 'folders', 'other/c']) await store.put(name, Buffer.alloc(0));
    const listed = await store.list('folder');
    expect(listed.map(({ name }) => name).sort()).toEqual(['folder/a', 'folder/b']);
    for (const { writtenAt } of listed) expect(Math.abs(writtenAt - before)).toBeLessThan(5_000);
  });

  it.each([
    '',
    '.',
    '..',
    '../a',
    'a/../b',
    'a/b/c',
    '/a',
    'a/',
    'A',
    'a\0',
    'a.webp\n',
    'a\\b',
    '.a',
    'a/..',
  ])('store refuses the name %j', (name) => {
    expect(() => store.put(name, Buffer.alloc(0))).toThrow(RangeError);
    expect(() => store.get(name)).toThrow(RangeError);
    expect(() => store.delete(name)).toThrow(RangeError);
  });
});

describe('DiskStore', () => {
  it('DiskStore is unavailable if its directory is a file', async () => {
    const path = join(await makeTestDirectory(), 'file');
    await writeFile(path, '');
    const store = new DiskStore(path);
    await expect(store.put('a', Buffer.alloc(1))).rejects.toThrow(StorageUnavailable);
    await expect(store.get('a')).rejects.toThrow(StorageUnavailable);
    await expect(store.list('folder')).rejects.toThrow(StorageUnavailable);
  });

  it('DiskStore recreates a removed directory', async () => {
    const directory = join(await makeTestDirectory(), 'store');
    const store = new DiskStore(directory);
    await store.put('a', Buffer.alloc(1));
    await rm(directory, { recursive: true });
    expect(await store.get('a')).toBeUndefined();
    await store.put('b', Buffer.alloc(1));
    expect(await readdir(directory)).toEqual(['b']);
  });

  it('DiskStore reads no directory as a file', async () => {
    const directory = await makeTestDirectory();
    await mkdir(join(directory, 'pending'));
    await expect(new DiskStore(directory).get('pending')).rejects.toThrow(StorageUnavailable);
  });
});

describe('S3Store', () => {
  it('S3Store lists every page, and only valid names', async () => {
    const page = (keys: string[], rest = ''): string =>
      `<ListBucketResult><IsTruncated>${rest !== ''}</IsTruncated>${rest}` +
      keys.map((key) => `<Contents><Key>${key}</Key><LastModified>${AT}</LastModified></Contents>`).join('') +
      '</ListBucketResult>';
    const asked: unknown[] = [];
    const { server, url } = await aServer(({ url: path }, answer) => {
      const query = new URL(path!, 'http://s3').searchParams;
      asked.push([query.get('prefix'), query.get('continuation-token')]);
      const next = '<NextContinuationToken>a+b/&amp;</NextContinuationToken>';
      answer.end(
        asked.length === 1 ? page(['of/f/', 'of/f/a', 'of/f/g/b'], next) : page(['of/f/b', 'of/f/.DS_Store']),
      );
    });
    const store = await openBucket('s3://pictures/of', url);
    const writtenAt = Date.parse(AT);
    expect(await store.list('f')).toEqual([
      { name: 'f/a', writtenAt },
      { name: 'f/b', writtenAt },
    ]);
    expect(asked).toEqual([
      ['of/f/', null],
      ['of/f/', 'a+b/&'],
    ]);
    server.close().closeAllConnections();
  });

  it('S3Store keeps to its prefix', async () => {
    const [one, other] = await Promise.all([
      openBucket('s3://pictures/one'),
      openBucket('s3://pictures/other/'),
    ]);
    await one.put('a', Buffer.from('one'));
    expect(await other.get('a')).toBeUndefined();
    await other.delete('a');
    expect((await (await openBucket('s3://pictures')).get('one/a'))!.toString()).toBe('one');
  });

  it('S3Store reports a missing bucket as an error', async () => {
    await expectUnavailable(await openBucket('s3://no-such-bucket'));
  });

  it('S3Store is unavailable if its key is refused', async () => {
    process.env.AWS_ACCESS_KEY_ID = 'nobody';
    try {
      await expectUnavailable(await openBucket('s3://pictures'));
    } finally {
      process.env.AWS_ACCESS_KEY_ID = CREDENTIALS.AWS_ACCESS_KEY_ID;
    }
  });

  it.each<[string, RequestListener]>([
    ['no answer comes', () => undefined],
    ['an answer never ends', (_, answer) => answer.writeHead(200, { 'content-length': 9 }).write('x')],
    ['every answer is an error', (_, answer) => answer.writeHead(503).end()],
    ['every connection breaks', ({ socket }) => socket.resetAndDestroy()],
  ])('S3Store is unavailable in time when %s', async (_, listener) => {
    const { server, url } = await aServer(listener);
    const store = await openBucket('s3://pictures', url);
    const askedAt = performance.now();
    await expectUnavailable(store);
    expect(performance.now() - askedAt).toBeLessThan(2_000); // all were asked at once
    expect(await connectionsOf(server)).toBeLessThanOrEqual(4);
    server.close().closeAllConnections();
  });

  it('S3Store retries on a closed connection', async () => {
    let asked = 0;
    const { server, url } = await aServer(({ socket }, answer) => {
      if (++asked === 1) socket.resetAndDestroy();
      else answer.end('here');
    });
    const store = await openBucket('s3://pictures', url);
    expect((await store.get('a'))!.toString()).toBe('here');
    server.close().closeAllConnections();
  });

  it('S3Store sends a content length and path-style addresses', async () => {
    const seen: unknown[] = [];
    const { server, url } = await aServer(({ method, url: path, headers }, answer) => {
      seen.push([method, path?.split('?')[0], headers['content-length'], headers['content-encoding']]);
      expect(Object.keys(headers).filter((name) => /checksum|trailer/.test(name))).toEqual([]);
      expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=S3RVER\/\d{8}\/us-east-1\/s3\//);
      answer.end();
    });
    await (await openBucket('s3://pictures/of', url)).put('a', Buffer.from('12345'));
    expect(seen).toEqual([['PUT', '/pictures/of/a', '5', undefined]]);
    server.close().closeAllConnections();
  });

  it('S3Store serves avatars', async () => {
    const env = { AVATAR_STORE: 's3://pictures/of/users', S3_ENDPOINT: s3.url };
    const usher = await TestApp.start({ env });
    try {
      const person = await aUser(usher);
      const upload = async (): Promise<string> => {
        const picture = usher.http.post('/auth/upload-avatar').set(person.bearer);
        return (await picture.attach('file', await aPicture(), 'me.png').expect(200)).body
          .avatar_url as string;
      };
      const former = await upload();
      const url = await upload();
      await usher.http.get(former).expect(404);
      for (const size of ['512', '128']) {
        const { headers } = await usher.http.get(url.replace('-512.', `-${size}.`)).expect(200);
        expect(headers['content-type']).toBe('image/webp');
      }
      await usher.http.delete('/auth/avatar').set(person.bearer).expect(204);
      await usher.http.get(url).expect(404);
      expect(await s3.keys('pictures', 'of/users')).toEqual([]);
      await s3.stop();
      expectProblem(await usher.http.get(url), 503, 'storage.unavailable');
    } finally {
      await usher.stop();
    }
  });
});

async function expectUnavailable(store: ObjectStore): Promise<void> {
  const asked = [store.put('a', Buffer.alloc(1)), store.get('a'), store.delete('a'), store.list('a')];
  for (const answer of await Promise.allSettled<unknown>(asked)) {
    expect(answer).toMatchObject({ status: 'rejected', reason: expect.any(StorageUnavailable) });
  }
}

async function aServer(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}

function aName(): string {
  return `${randomBytes(16).toString('hex')}-512.webp`;
}
