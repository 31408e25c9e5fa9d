import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/time/eventually.js';
import { anAdmin, aUser, bearer } from '../support/app/users.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { RedisServer } from '../support/redis/redis-server.js';
import { TcpProxy } from '../support/network/tcp-proxy.js';
import { TestApp } from '../support/app/test-app.js';

const SERVICE_TOKEN = randomBytes(24).toString('hex');

describe('Redis contents', () => {
  let database: TestDatabase;
  let redis: RedisServer;
  let wire: TcpProxy;
  let usher: TestApp;
  /** Everything that must not be there, by what it is. */
  const secrets = new Map<string, string>([['service token', SERVICE_TOKEN]]);

  beforeAll(async () => {
    database = await createTestDatabase();
    redis = await RedisServer.start();
    wire = await TcpProxy.start({ targetPort: redis.port });
    wire.record();
    usher = await TestApp.start({
      database,
      env: {
        REDIS_URL: wire.url('redis'),
        SERVICE_TOKENS: `billing:metrics+introspect+revoke+lookup=${SERVICE_TOKEN}`,
      },
    });
  });

  afterAll(async () => {
    await usher.stop();
    await wire.stop();
    await redis.stop();
    await database.drop();
  });

  it('Redis gets users, aliases and sessions, and never a hash, password or token', async () => {
    const username = `secretive.${randomBytes(4).toString('hex')}`;
    const passwords = ['first', 'second', 'wrong', 'unknown'].map(
      (n) => `${n} ${randomBytes(9).toString('hex')}`,
    );
    const [first, second, wrong, unknown] = passwords as [string, string, string, string];
    passwords.forEach((password, n) => secrets.set(`password ${n}`, password));

    const person = await aUser(usher, { password: first, username, phone: '+442071838750' });
    secrets.set('token of the registration', person.token);
    keepRefreshToken('registration', person.refreshToken);
    await keepHashes();
    const login = await usher.http
      .post('/auth/login')
      .send({ identifier: person.email, password: first })
      .expect(200);
    secrets.set('token of the login', login.body.access_token);
    keepRefreshToken('login', login.body.refresh_token as string);
    await usher.http.post('/auth/login').send({ identifier: username, password: wrong }).expect(401);
    await usher.http.post('/auth/login').send({ identifier: 'nobody@x.y', password: unknown }).expect(401);
    const grant = await usher.http
      .post('/auth/token')
      .type('form')
      .send({ grant_type: 'password', username, password: first })
      .expect(200);
    secrets.set('token of the grant', grant.body.access_token);
    keepRefreshToken('grant', grant.body.refresh_token as string);
    let { refresh_token } = login.body as { refresh_token: string };
    for (let n = 0; n < 3; n++) {
      const refreshed = await usher.http.post('/auth/refresh').send({ refresh_token }).expect(200);
      await database.query(`UPDATE sessions SET refreshed_at = refreshed_at - interval '11 s'`);
      refresh_token = refreshed.body.refresh_token as string;
      keepRefreshToken(`refresh ${n}`, refresh_token);
      await usher.http.get('/auth/me').set(bearer(refreshed.body.access_token)).expect(200);
    }
    await usher.http
      .post('/auth/refresh')
      .send({ refresh_token: login.body.refresh_token as string })
      .expect(401); // used again: its session ends

    await usher.http.get('/auth/me').set(person.bearer).expect(200);
    await usher.http.get('/auth/me').set(person.bearer).set('cache-control', 'no-cache').expect(200);
    await usher.http.get(`/users/${person.id}`).set(person.bearer).expect(200);
    await usher.http.get(`/users/by-username/${username}`).set(person.bearer).expect(200);
    for (const query of [`email=${person.email}`, `username=${username}`, 'phone=%2B442071838750']) {
      await usher.http.get(`/users/lookup?${query}`).set(bearer(SERVICE_TOKEN)).expect(200);
    }
    await usher.http
      .post('/users/lookup')
      .set(bearer(SERVICE_TOKEN))
      .send({ ids: [person.id] })
      .expect(200);

    await usher.http.put('/auth/profile').set(person.bearer).send({ bio: 'nothing to hide' }).expect(200);
    await usher.http
      .post('/auth/change-password')
      .set(person.bearer)
      .send({ current_password: first, new_password: second })
      .expect(204);
    await keepHashes();
    await usher.http.get('/auth/me').set(person.bearer).expect(200);
    await usher.http.get('/auth/me').set(bearer(grant.body.access_token)).expect(401);
    const admin = await anAdmin(usher, { password: first });
    secrets.set('token of the administrator', admin.token);
    await keepHashes();
    await usher.http.delete('/auth/account').set(person.bearer).send({ password: second }).expect(200);
    await usher.http.patch(`/users/${person.id}`).set(admin.bearer).send({ is_active: true }).expect(200);
    await usher.http.get(`/users/${person.id}`).set(admin.bearer).expect(200);
    await usher.http.get('/health/cache').set(admin.bearer).expect(200);

    // First that something was there to be found: entries, aliases and wake-ups, in Redis and in the recording.
    await eventually(async () => (await redis.command('EXISTS', `user:id:${person.id}`)) === 1);
    const sent = wire.bytesToServer().toString('latin1');
    expect(sent).toContain(`user:id:${person.id}`);
    expect(sent).toContain(person.email);
    expect(sent).toMatch(/set\r\n\$\d+\r\nuser:username:[0-9a-f]{32}\r\n/);
    expect(sent).toMatch(/publish\r\n/);
    expect(sent).toMatch(/set\r\n\$\d+\r\nsession:id:[0-9a-f-]{36}\r\n/);
    expect(secrets.size).toBeGreaterThanOrEqual(20);

    const stored = await everythingIn(redis);
    expect(stored).toContain(person.email);
    for (const text of [sent, stored]) expectNoSecret(text);
  });

  it('Redis keys reveal no email, username or phone', async () => {
    const person = await aUser(usher, { username: 'Key.Teller', phone: '+442071838751' });
    const admin = await anAdmin(usher);
    for (const query of [`email=${person.email}`, 'username=Key.Teller', 'phone=%2B442071838751']) {
      await usher.http.get(`/users/lookup?${query}`).set(admin.bearer).expect(200);
    }
    const keys = async (): Promise<string[]> => (await redis.command('KEYS', '*')) as string[];
    await eventually(async () => {
      const kinds = new Set((await keys()).map((key) => key.split(':')[1]));
      return ['id', 'email', 'username', 'phone'].every((kind) => kinds.has(kind));
    });
    for (const key of await keys()) {
      expect(key).toMatch(
        /^((user|session):id:[0-9a-f-]{36}|user:(email|username|phone):[0-9a-f]{32}|limit:[a-z-]+:[0-9a-f]{32})$/,
      );
    }
  });

  /** The session in it is no secret; number and signature are what makes it work. */
  function keepRefreshToken(what: string, token: string): void {
    const signature = Buffer.from(token.slice('usher_rt_'.length), 'base64url').subarray(20);
    secrets.set(`refresh token of the ${what}`, token);
    secrets.set(`signature of that of the ${what}`, signature.toString('base64url'));
    secrets.set(`the same in hex, of the ${what}`, signature.toString('hex'));
  }

  /** The stored hashes of this moment; they change. */
  async function keepHashes(): Promise<void> {
    const { rows } = await database.query('SELECT password_hash FROM users');
    for (const { password_hash: hash } of rows as { password_hash: string }[]) {
      expect(hash).toMatch(/^\$2/);
      secrets.set(`hash ${hash.slice(-6)}`, hash);
      secrets.set(`salt and digest ${hash.slice(-6)}`, hash.slice(7));
    }
  }

  function expectNoSecret(text: string): void {
    for (const [what, secret] of secrets) {
      const guises = [
        secret,
        encodeURIComponent(secret),
        Buffer.from(secret).toString('base64').replace(/=+$/, ''),
        Buffer.from(secret).toString('hex'),
        // The signature alone would be as good to a thief who has the rest.
        ...(secret.startsWith('eyJ') ? [secret.split('.')[2]!] : []),
      ];
      for (const guise of guises) if (text.includes(guise)) throw new Error(`There is the ${what}: ${guise}`);
    }
    // A limit may be named after what it limits.
    expect(text.replaceAll('limit:password:', '')).not.toMatch(
      /password|passwd|\$2[aby]\$|secret(?!ive)|eyJ|usher_rt_/i,
    );
  }
});

/** Keys and values, of every type. */
async function everythingIn(redis: RedisServer): Promise<string> {
  const keys = (await redis.command('KEYS', '*')) as string[];
  const values = await Promise.all(
    keys.map(async (key) => [key, String(await redis.command('TYPE', key)), await redis.command('GET', key)]),
  );
  return JSON.stringify(values).replaceAll('\\"', '"');
}
