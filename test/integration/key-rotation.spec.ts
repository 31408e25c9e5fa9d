import { readSettings } from '#config';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { AccessTokens } from '../../apps/identity/src/auth/access-tokens/access-tokens.js';
import { Clock, SystemClock } from '#cache';
import { KeyDirectory } from '../../apps/identity/src/auth/signing-keys/key-directory.js';
import { rotate, type RotationStep } from '../../apps/identity/src/auth/signing-keys/key-rotation.js';
import { SPREAD_WITHIN_MS } from '../../apps/identity/src/auth/signing-keys/rotation-times.js';
import { SigningKeys } from '../../apps/identity/src/auth/signing-keys/signing-keys.js';
import { eventually } from '../support/time/eventually.js';
import { Load } from '../support/http/load.js';
import { aUser, bearer, type TestUser } from '../support/app/users.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { expectProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterEach(() => {
  jest.restoreAllMocks();
});

afterAll(async () => {
  await database.drop();
});

const decoded = (segment: string): Record<string, string> =>
  JSON.parse(Buffer.from(segment, 'base64url').toString()) as Record<string, string>;

const kidOf = (token: string): string => decoded(token.split('.')[0]!).kid!;

/** Another token of the session that the person's own is of, signed by this instance now. */
async function another(issuer: AccessTokens, { token }: TestUser): Promise<string> {
  const { sub, sid } = decoded(token.split('.')[1]!);
  return (await issuer.issue({ userId: sub!, sessionId: sid! })).token;
}

const anotherBy = (usher: TestApp, person: TestUser): Promise<string> =>
  another(usher.app.get(AccessTokens), person);

const me = (usher: TestApp, token: string): Promise<Response> =>
  fetch(`${usher.url}/auth/me`, { headers: bearer(token) });

describe('shared key directory', () => {
  let keysDir: string;
  let both: [TestApp, TestApp];
  let person: TestUser;

  beforeAll(async () => {
    keysDir = join(await makeTestDirectory(), 'keys');
    const env = { JWT_KEYS_DIR: keysDir };
    both = [await TestApp.start({ database, env }), await TestApp.start({ database, env })];
    person = await aUser(both[0]);
  });

  afterAll(async () => {
    await Promise.all(both.map((each) => each.stop()));
  });

  const rotateKey = (): Promise<RotationStep> => rotate(new KeyDirectory(keysDir), false);

  async function published(usher: TestApp): Promise<string[]> {
    const { body } = await usher.http.get('/.well-known/jwks.json').expect(200);
    return (body.keys as { kid: string }[]).map(({ kid }) => kid);
  }

  /** As they find out by themselves, without a restart. */
  async function bothPublish(...kids: string[]): Promise<void> {
    for (const each of both) {
      await eventually(async () => (await published(each)).join() === kids.join());
    }
  }

  /** Backdates every key by the three minutes that rotate-key waits for. */
  async function age(kid: string): Promise<void> {
    const then = (Date.now() - SPREAD_WITHIN_MS) / 1000;
    await utimes(join(keysDir, `${kid}.pem`), then, then);
  }

  it('two rotations refuse no token', async () => {
    const first = kidOf(person.token);
    const signedWith = new Set<string>();
    const requests = both.flatMap((issuer) =>
      both.map((reader) => async () => {
        const token = await anotherBy(issuer, person);
        signedWith.add(kidOf(token));
        return me(reader, token);
      }),
    );
    const old = both.map((reader) => () => me(reader, person.token));
    let expected: string[] = [];
    const served = await Load.during([...requests, ...old], async (load) => {
      const step = (await rotateKey()) as RotationStep & { kind: 'published' };
      await bothPublish(first, step.next);
      let { current, next } = step;
      const previous: string[] = [];
      for (let rotation = 0; rotation < 2; rotation++) {
        await age(next);
        const rotated = (await rotateKey()) as RotationStep & { kind: 'rotated' };
        expect(rotated).toMatchObject({ kind: 'rotated', current: next, previous: current });
        previous.push(current);
        ({ current, next } = rotated);
        await eventually(() => both.every((each) => each.app.get(SigningKeys).current.kid === current));
        expected = [current, next, ...previous];
        for (const each of both) {
          await eventually(async () => (await published(each)).sort().join() === [...expected].sort().join());
        }
        await load.more(50);
      }
    });
    expect(served.filter(({ status }) => status !== 200)).toEqual([]);
    const [third, , , second] = expected;
    expect([...signedWith]).toEqual([first, second, third]);
  }, 60_000);

  it('previous key is accepted until its last token has expired, and never after', async () => {
    const first = kidOf(person.token);
    const elsewhere = join(await makeTestDirectory(), 'keys');
    await mkdir(elsewhere);
    await copyFile(join(keysDir, `${first}.pem`), join(elsewhere, `${first}.pem`));
    const settings = readSettings({ JWT_KEYS_DIR: elsewhere });
    const clock = new SystemClock();
    const thief = new AccessTokens(settings, await SigningKeys.load(settings), clock);
    for (const each of both) {
      expect((await me(each, person.token)).status).toBe(200);
      expect((await me(each, await another(thief, person))).status).toBe(200); // or the rest would prove nothing
    }

    const later = Date.now() + SPREAD_WITHIN_MS + 15 * 60_000 + 60_000;
    for (const each of [clock, ...both.map(({ app }) => app.get(Clock))]) {
      jest.spyOn(each, 'wallMs').mockImplementation(() => later);
    }
    for (const each of both) {
      await each.app.get(SigningKeys).refresh();
      expect(await published(each)).not.toContain(first);
      for (const token of [person.token, await another(thief, person)]) {
        expect((await me(each, token)).status).toBe(401);
      }
      expect((await me(each, await anotherBy(each, person))).status).toBe(200);
    }
  });

  it('removed key ends its tokens, and the next key signs', async () => {
    const token = await anotherBy(both[0], person);
    for (const each of both) expect((await me(each, token)).status).toBe(200); // it is remembered
    const [, next] = await published(both[0]);
    await rm(join(keysDir, `${kidOf(token)}.pem`));
    for (const each of both) {
      await eventually(async () => (await me(each, token)).status === 401);
      expectProblem(await each.http.get('/auth/me').set(bearer(token)), 401, 'auth.invalid_token');
    }
    for (const issuer of both) {
      const signed = await anotherBy(issuer, person);
      expect(kidOf(signed)).toBe(next);
      for (const reader of both) expect((await me(reader, signed)).status).toBe(200);
    }
  });

  it('invented key ids do not cause more reads of the directory', async () => {
    const poll = jest.spyOn(KeyDirectory.prototype, 'poll');
    const [, payload, signature] = person.token.split('.');
    const startedAt = performance.now();
    for (let round = 0; round < 40; round++) {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => {
          const kid = randomBytes(32).toString('base64url');
          const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })).toString(
            'base64url',
          );
          return me(both[round % 2]!, `${header}.${payload}.${signature}`);
        }),
      );
      expect(answers.every(({ status }) => status === 401)).toBe(true);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    // Each of the two: once a second for the unknown ids, every two seconds anyway.
    expect(poll.mock.calls.length).toBeLessThanOrEqual(2 * (1 + seconds + 1 + seconds / 2));
  });
});

describe('JWT_SECRET change', () => {
  const [a, b] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('base64')) as [
    string,
    string,
  ];

  const start = (list: string[]): Promise<TestApp> =>
    TestApp.start({ database, env: { JWT_KEYS_DIR: undefined, JWT_SECRET: list.join() } });

  it('JWT_SECRET change refuses no token if the new secret is accepted before it signs', async () => {
    const both: [TestApp, TestApp] = [await start([a]), await start([a])];
    try {
      const person = await aUser(both[0]);
      let tokens = [person.token];
      const everyTokenIsGood = async (): Promise<void> => {
        tokens.push(...(await Promise.all(both.map((each) => anotherBy(each, person)))));
        for (const each of both) {
          for (const token of tokens) expect((await me(each, token)).status).toBe(200);
        }
      };
      for (const list of [[a, b], [b, a], [b]]) {
        // Before the old one goes its tokens have had their time.
        if (list.length === 1) tokens = tokens.filter((token) => kidOf(token) !== kidOf(person.token));
        for (const at of [0, 1] as const) {
          const successor = await start(list);
          await both[at].stop();
          both[at] = successor;
          await everyTokenIsGood();
        }
      }
      expect(new Set(tokens.map(kidOf)).size).toBe(1);
      for (const each of both) expect((await me(each, person.token)).status).toBe(401);
    } finally {
      await Promise.all(both.map((each) => each.stop()));
    }
  });

  it('instance with only the old JWT_SECRET refuses tokens of the new one', async () => {
    const both = [await start([a]), await start([b, a])] as const;
    try {
      const person = await aUser(both[1]);
      expect((await me(both[1], person.token)).status).toBe(200);
      expect((await me(both[0], person.token)).status).toBe(401);
    } finally {
      await Promise.all(both.map((each) => each.stop()));
    }
  });
});
