import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { type Response } from 'supertest';
import { aUser, anAdmin, bearer, type TestUser } from '../support/app/users.js';
import { anOAuthError, aProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

/** The seed of the run, in the names of the tests. */
const seed = Number(process.env.USHER_TEST_SEED);
const bounds = { seed, numRuns: 1_000, interruptAfterTimeLimit: 8_000, endOnFailure: true };

const SERVICE = 'c2VydmljZS10b2tlbi1mb3ItdGhlLWZ1enotdGVzdHM=';
const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const;
const FORM = 'application/x-www-form-urlencoded';

/** Names that mean something here, with values that they may have, so that some requests get far. */
const MEANT: Record<string, unknown[]> = {
  email: ['fuzz@example.com', 'FUZZ@bücher.example'],
  password: ['good enough to be taken'],
  username: ['fuzzy', 'victim', 'Fuzz-Y'],
  phone: ['+442071838750', '+44 (0)20 7183-8750', `+49${'5'.repeat(14)}`, null],
  first_name: ['', '😀'.repeat(100), null],
  bio: ['a\r\nb\u2028c', null],
  identifier: ['victim', '+442071838750', 'fuzz@example.com'],
  current_password: ['wrong'],
  new_password: ['good enough to be taken'],
  ids: [['01a1f883-92e5-7012-aa8b-7642fead0db7']],
  is_active: [true, false],
  is_admin: [true, false],
  grant_type: ['password', 'refresh_token'],
  refresh_token: [`usher_rt_${'A'.repeat(70)}`],
};
/** Names of queries, and names that mean something to JavaScript. */
// prettier-ignore
const NAMES = [
  ...Object.keys(MEANT), 'q', 'limit', 'cursor', 'id', '__proto__', 'constructor', 'then', 'toJSON', 'length',
];

const text = fc.string({ unit: 'binary', maxLength: 40 });

/** Any bytes at all, as they may stand in an address. */
const encoded = fc.oneof(
  text.map((value) => encodeURIComponent(value.replace(/\p{Surrogate}/gu, '?'))),
  fc
    .uint8Array({ maxLength: 12 })
    .map((bytes) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')),
  fc.constantFrom('%', '%0', '%zz', '..', '.', '%2e%2e%2f', '%00', 'ids[]', 'a[b]'),
);

/** The one value four times of five. */
function mostly<T, U>(usual: T, other: fc.Arbitrary<U>): fc.Arbitrary<T | U> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, other);
}

const wild = fc.oneof(fc.jsonValue({ maxDepth: 3 }), text);

type Sent = string | Buffer | Fields;

/** What a route's body may have, by the documentation. */
interface Shape {
  names: string[];
  required: string[];
}

type Pick = [which: number, name: string | undefined, value: unknown];

/** Fields to be picked once the route is known: mostly its own, mostly with values that they may have. */
interface Fields {
  /** All that the route asks for, besides the picks. */
  complete: boolean;
  picks: Pick[];
}

const fields: fc.Arbitrary<Fields> = fc.record({
  complete: fc.boolean(),
  picks: fc.array(
    fc.tuple(fc.nat(), mostly(undefined, fc.oneof(fc.constantFrom(...NAMES), text)), mostly(undefined, wild)),
    { maxLength: 3 },
  ),
});

function written(sent: Sent, { names, required }: Shape): string | Buffer {
  if (typeof sent === 'string' || Buffer.isBuffer(sent)) return sent;
  const all = sent.complete
    ? [...required.map((name): Pick => [0, name, undefined]), ...sent.picks]
    : sent.picks;
  const members = all.map(([which, given, value]) => {
    const name = given ?? names[which % names.length] ?? 'email';
    const meant = MEANT[name] ?? ['x'];
    return `${JSON.stringify(name)}:${JSON.stringify(value ?? meant[which % meant.length])}`;
  });
  return `{${members.join(',')}}`;
}

const body = fc.oneof<fc.MaybeWeightedArbitrary<Sent>[]>(
  { weight: 12, arbitrary: fields },
  fc.json({ maxDepth: 6 }),
  text,
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 1, max: 3_000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
  fc
    .array(fc.tuple(fc.constantFrom(...NAMES), encoded), { maxLength: 5 })
    .map((pairs) => pairs.map((pair) => pair.join('=')).join('&')),
);

const headerText = fc.string({ unit: 'grapheme-ascii', maxLength: 40 });

const contentType = fc.oneof(
  { weight: 12, arbitrary: fc.constant('application/json') },
  { weight: 2, arbitrary: fc.constant(FORM) },
  fc.constantFrom('text/plain', 'application/json; charset=latin1', 'multipart/form-data; boundary=x'),
  headerText,
);

const query = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), encoded), encoded), { maxLength: 3 })
  .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map((pair) => pair.join('=')).join('&')}`));

/** Their errors have the shape of OAuth. */
const OAUTH = new Set(['/auth/token', '/auth/introspect', '/auth/revoke']);

interface Operation {
  requestBody?: { content: Record<string, { schema: { $ref: string } }> };
}

describe(`fuzzing (seed ${seed})`, () => {
  let usher: TestApp;
  let user: TestUser;
  let admin: TestUser;
  let victim: TestUser;
  let routes: { path: string; shapes: Map<string, Shape> }[];

  beforeAll(async () => {
    usher = await TestApp.start({
      env: { SERVICE_TOKENS: `fuzz:introspect+revoke+lookup+metrics=${SERVICE}` },
    });
    [user, admin, victim] = [
      await aUser(usher),
      await anAdmin(usher),
      await aUser(usher, { username: 'victim' }),
    ];
    const { body: openapi } = await usher.http.get('/openapi.json').expect(200);
    routes = Object.entries(openapi.paths as Record<string, Record<string, Operation>>).map(
      ([path, operations]) => ({
        path,
        shapes: new Map(
          Object.entries(operations).map(([method, { requestBody }]) => {
            const [content] = Object.values(requestBody?.content ?? {});
            const schema = openapi.components.schemas[content?.schema.$ref.split('/').at(-1) ?? ''];
            return [
              method,
              { names: Object.keys(schema?.properties ?? {}), required: schema?.required ?? [] },
            ];
          }),
        ),
      }),
    );
    expect(routes.length).toBeGreaterThan(10);
  });

  afterAll(async () => {
    await usher.stop();
  });

  const asItIs = (sent: unknown): string => sent as string;

  it('random requests to every route are answered without a 5xx, and errors are problem documents', async () => {
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        mostly(undefined, fc.constantFrom(...METHODS)),
        mostly('victim', encoded),
        mostly('', query),
        fc.constantFrom('user', 'admin', 'admin', 'admin', 'service', 'nobody', 'liar'),
        headerText,
        contentType,
        fc.option(body, { nil: undefined, freq: 8 }),
        async (routeNumber, otherMethod, parameter, asked, who, lie, type, sent) => {
          const { path: pattern, shapes } = routes[routeNumber % routes.length]!;
          const methods = [...shapes.keys()];
          const id = pattern.includes('{id}') ? victim.id : 'victim';
          const path = pattern.replace(/\{\w+\}/, parameter === 'victim' ? id : parameter);
          const method = otherMethod ?? (methods[routeNumber % methods.length] as (typeof METHODS)[number]);
          // A user who logs out is refused afterwards; use one that later requests do not need.
          const own = path.startsWith('/auth/logout') ? { user: victim, admin: victim } : { user, admin };
          const tokens = {
            user: own.user.token,
            admin: own.admin.token,
            service: SERVICE,
            liar: lie,
            nobody: '',
          };

          const ask = async (): Promise<Response> => {
            const request = usher.http[method](path + asked)
              .timeout(5_000)
              .set('if-none-match', lie)
              .set('x-forwarded-for', lie)
              .set('x-request-id', lie);
            if (who !== 'nobody') request.set(bearer(tokens[who as keyof typeof tokens]));
            // What a client writes after HEAD has no length, and would be another request.
            if (sent === undefined || method === 'head') return request;
            return request
              .set('content-type', type)
              .serialize(asItIs)
              .send(written(sent, shapes.get(method) ?? { names: [], required: [] }));
          };
          const first = await ask();
          // A busy machine may say 503 once, which means: ask again.
          const answer = first.status === 503 ? await ask() : first;
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          expect(answer.status).toBeLessThan(500);
          if (answer.status >= 400 && method !== 'head') {
            const isOAuths = OAUTH.has(pattern) && method === 'post';
            (isOAuths ? anOAuthError : aProblem)(answer);
          }
          expect(answer.headers['x-request-id']).toBeDefined();
        },
      ),
      bounds,
    );
    // It would be worth little if all were refused at the door.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 403, 422]));
    await usher.http.get('/auth/me').set(user.bearer).expect(200);
    expect({}).not.toHaveProperty('email');
  });

  it('mangled HTTP is answered or closed, and the next connection is served', async () => {
    const good = `POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n{"identifier":"victim","password":1}`;
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: good.length }),
        fc.nat({ max: 20 }),
        fc.oneof(
          fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
          fc.constantFrom(
            '\r\n',
            '\n',
            '\0',
            ': ',
            'Transfer-Encoding: chunked\r\n',
            'Content-Length: 9\r\n',
            'Expect: x\r\n',
          ),
        ),
        async (at, removed, inserted) => {
          const socket = connect(Number(new URL(usher.url).port), '127.0.0.1');
          socket.on('error', () => undefined);
          await once(socket, 'connect');
          socket.setTimeout(5_000, () => socket.destroy(new Error('It hangs.')));
          socket.end(Buffer.from(good.slice(0, at) + inserted + good.slice(at + removed), 'latin1'));
          const answer = await textOf(socket).catch((error: Error) => {
            if (error.message === 'It hangs.') throw error;
            return '';
          });
          if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 [1-4]\d\d /);
        },
      ),
      { ...bounds, numRuns: 200, interruptAfterTimeLimit: 5_000 },
    );
    await usher.http.get('/auth/me').set(user.bearer).expect(200);
  });
});
