import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createPrivateKey, createPublicKey, type JsonWebKey, randomBytes, verify } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rotateKey as rotate } from '../support/app/commands.js';
import { refreshSigningKeys } from '../support/app/internals.js';
import { aUser } from '../support/app/users.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { TestApp } from '../support/app/test-app.js';
import { UsherProcess } from '../support/app/usher-process.js';

describe('GET /.well-known/jwks.json', () => {
  let database: TestDatabase;
  let keysDir: string;
  let usher: TestApp;

  beforeAll(async () => {
    database = await createTestDatabase();
    keysDir = join(await makeTestDirectory(), 'keys');
    usher = await TestApp.start({ database, env: { JWT_KEYS_DIR: keysDir } });
    await rotate({ NODE_ENV: 'test', DATABASE_URL: database.url, JWT_KEYS_DIR: keysDir }, { now: true });
    await refreshSigningKeys(usher);
  });

  afterAll(async () => {
    await usher.stop();
    await database.drop();
  });

  it('JWKS lists the public parts of the current, next and previous key', async () => {
    const { body, text, headers } = await usher.http.get('/.well-known/jwks.json').expect(200);
    const state = JSON.parse(await readFile(join(keysDir, 'rotation-1.json'), 'utf8'));
    const key = { kty: 'EC', use: 'sig', alg: 'ES256', crv: 'P-256' };
    const coordinate = expect.stringMatching(/^[\w-]{43}$/);
    expect(body).toEqual({
      keys: [state.current, state.next, state.previous[0].kid].map((kid: string) => ({
        ...key,
        kid,
        x: coordinate,
        y: coordinate,
      })),
    });
    expect(headers['content-type']).toMatch(/^application\/json/);
    for (const name of (await readdir(keysDir)).filter((each) => each.endsWith('.pem'))) {
      const { d } = (await privateJwk(join(keysDir, name))) as { d: string };
      expect(text).not.toContain(d);
    }
  });

  it('JWKS has the key that verifies a token', async () => {
    const { token } = await aUser(usher);
    const [header, payload, signature] = token.split('.');
    const { kid } = JSON.parse(Buffer.from(header!, 'base64url').toString());
    const { body } = await usher.http.get('/.well-known/jwks.json');
    const jwk = (body.keys as (JsonWebKey & { kid: string })[]).find((each) => each.kid === kid)!;
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const good = verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature!, 'base64url'),
    );
    expect(good).toBe(true);
  });

  it('JWKS max-age is shorter than the wait of a next key, and its ETag revalidates', async () => {
    const { headers } = await usher.http.get('/.well-known/jwks.json').expect(200);
    expect(headers['cache-control']).toBe('public, max-age=60');
    expect(headers.vary).toBe('Origin');
    const same = await usher.http
      .get('/.well-known/jwks.json')
      .set('if-none-match', headers.etag!)
      .expect(304);
    expect(same.text).toBe('');
    expect(same.headers).toMatchObject({ etag: headers.etag, 'cache-control': 'public, max-age=60' });
    await usher.http.get('/.well-known/jwks.json').set('if-none-match', '"other"').expect(200);
    await usher.http.head('/.well-known/jwks.json').expect(200);

    await rotate({ NODE_ENV: 'test', DATABASE_URL: database.url, JWT_KEYS_DIR: keysDir }, { now: true });
    await refreshSigningKeys(usher);
    const changed = await usher.http
      .get('/.well-known/jwks.json')
      .set('if-none-match', headers.etag!)
      .expect(200);
    expect(changed.body.keys).toHaveLength(4);
  });

  it('JWKS requests are rate-limited with any token, since none is checked', async () => {
    const { headers } = await usher.http
      .get('/.well-known/jwks.json')
      .set('authorization', 'Bearer whatever')
      .expect(200);
    expect(headers.ratelimit).toMatch(/^"anyone";/);
  });

  it('JWKS is empty when JWT_SECRET signs tokens', async () => {
    const secret = randomBytes(32).toString('hex');
    const other = await TestApp.start({ database, env: { JWT_KEYS_DIR: undefined, JWT_SECRET: secret } });
    try {
      const { body, text } = await other.http.get('/.well-known/jwks.json').expect(200);
      expect(body).toEqual({ keys: [] });
      expect(text).not.toContain(secret);
    } finally {
      await other.stop();
    }
  });
});

describe('rotate-key', () => {
  afterEach(() => UsherProcess.killAll());

  const rotateKey = (env: NodeJS.ProcessEnv, ...args: string[]) =>
    UsherProcess.run(['cli', 'rotate-key', ...args], { env }).ended;

  it('rotate-key publishes a key, asks to wait, then rotates', async () => {
    const keysDir = join(await makeTestDirectory(), 'keys');
    const env = { JWT_KEYS_DIR: keysDir };
    expect(await rotateKey(env)).toEqual({
      code: 0,
      said: [],
      stdout: expect.stringMatching(
        /^The key [\w-]{43} is published, and [\w-]{43} still signs\. Run rotate-key again in 3 minutes, .*\n$/,
      ),
    });
    expect(await rotateKey(env)).toEqual({
      code: 1,
      said: [
        expect.stringMatching(/published for less than 3 minutes.* again in 1[78]\d seconds, or with --now/),
      ],
      stdout: '',
    });
    expect(await rotateKey(env, '--now')).toEqual({
      code: 0,
      said: [],
      stdout: expect.stringMatching(/^The key [\w-]{43} now signs\. [\w-]{43} verifies until .*\n$/),
    });
    const names = await readdir(keysDir);
    expect(names.filter((name) => name.endsWith('.pem'))).toHaveLength(3);
    expect((await stat(keysDir)).mode & 0o777).toBe(0o700);
  }, 120_000);

  it('rotate-key prints its help, and why it cannot work', async () => {
    expect(await rotateKey({}, '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/rotate-key[^]*--now[^]*remove its file/),
    });
    expect(await rotateKey({ JWT_SECRET: 'x' })).toMatchObject({
      code: 1,
      said: [expect.stringMatching(/^JWT_SECRET is set/)],
    });
    const file = join(await makeTestDirectory(), 'file');
    await writeFile(file, 'no directory');
    expect(await rotateKey({ JWT_KEYS_DIR: file })).toEqual({
      code: 1,
      said: [`The directory of signing keys ${file} cannot be used (ENOTDIR).`],
      stdout: '',
    });
  }, 120_000);
});

async function privateJwk(file: string): Promise<JsonWebKey> {
  return createPrivateKey(await readFile(file)).export({ format: 'jwk' });
}
