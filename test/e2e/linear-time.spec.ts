import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent, request } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { growthOf } from '../support/time/cpu-growth.js';
import { aUser, type TestUser } from '../support/app/users.js';
import { TestApp } from '../support/app/test-app.js';

/** Node takes 16 KiB of request line and headers together. */
const HEAD_BYTES = 15_800;
/** A body may have 100 KiB. */
const BODY_BYTES = 102_200;
const FORM = 'application/x-www-form-urlencoded';

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
}

/** So many bytes of a repetition, each time different where it asks for a number. */
function repeated(part: string | ((index: number) => string), bytes: number): string {
  // Never cut: a part of an address at the end may mean something else, and end the work at once.
  if (typeof part === 'string') return part.repeat(Math.floor(bytes / part.length));
  const parts: string[] = [];
  for (let length = 0, index = 0; length < bytes; index++) {
    parts.push(part(index));
    length += parts.at(-1)!.length;
  }
  return parts.join('');
}

const json = (path: string, body: string): Sent => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body,
});
const field = (path: string, name: string, value: string): Sent => json(path, `{"${name}":"${value}"}`);
const form = (body: string): Sent => ({
  method: 'POST',
  path: '/auth/token',
  headers: { 'content-type': FORM },
  body,
});

/** Every parser of what stands in a head, with the repetition that costs it most. */
const HEADS: [string, (bytes: number) => Sent][] = [
  ['a query of one name', (n) => ({ path: `/health/live?${repeated('a&', n)}` })],
  ['a query of one name with values', (n) => ({ path: `/health/live?${repeated('a=1&', n)}` })],
  ['a query of many names', (n) => ({ path: `/health/live?${repeated((i) => `${i.toString(36)}&`, n)}` })],
  ['a query that a class reads', (n) => ({ path: `/users?${repeated((i) => `${i.toString(36)}&`, n)}` })],
  ['a query of nothing', (n) => ({ path: `/health/live?${repeated('&', n)}` })],
  ['a query of escapes', (n) => ({ path: `/health/live?a=${repeated('%61', n)}` })],
  ['a query of spaces', (n) => ({ path: `/health/live?a=${repeated('+', n)}` })],
  ['a query of equals signs', (n) => ({ path: `/health/live?${repeated('=', n)}` })],
  ['a query of brackets', (n) => ({ path: `/health/live?${repeated('a[', n)}` })],
  ['a cursor', (n) => ({ path: `/auth/audit?cursor=${repeated('A', n)}` })],
  ['a path of slashes', (n) => ({ path: repeated('/', n) })],
  ['a path of steps that are known', (n) => ({ path: repeated('/users/sessions', n) })],
  ['a path under a route', (n) => ({ path: `/users/${repeated('a/', n)}` })],
  ['a path of escapes', (n) => ({ path: `/users/${repeated('%41', n)}` })],
  ['a path of escaped slashes', (n) => ({ path: `/users/${repeated('%2F', n)}` })],
  ['a path of dots', (n) => ({ path: repeated('/..', n) })],
  ['a path of semicolons', (n) => ({ path: `/users${repeated(';a', n)}` })],
  ['a parameter', (n) => ({ path: `/users/by-username/${repeated('a.', n)}` })],
  ['a file name', (n) => ({ path: `/avatars/${repeated('a-', n)}` })],
  ['a mailed link', (n) => ({ path: `/verify-email?token=${repeated('a_', n)}` })],
  ['many headers', (n) => ({ headers: headersOf(n, (i) => [`x${i}`, '']) })],
  ['one header many times', (n) => ({ headers: { 'x-forwarded-for': lines(n, 'x-forwarded-for', '1') } })],
  ['cookies', (n) => ({ headers: { cookie: repeated('a=b; ', n) } })],
  ['X-Forwarded-For', (n) => ({ headers: { 'x-forwarded-for': repeated('127.0.0.1,', n) } })],
  ['X-Forwarded-For with spaces', (n) => ({ headers: { 'x-forwarded-for': `1${repeated(' ,', n)}1` } })],
  ['X-Forwarded-For of IPv6', (n) => ({ headers: { 'x-forwarded-for': repeated('::1,', n) } })],
  ['X-Forwarded-For of colons', (n) => ({ headers: { 'x-forwarded-for': repeated(':', n) } })],
  ['X-Forwarded-For of brackets', (n) => ({ headers: { 'x-forwarded-for': `[${repeated('a', n)}` } })],
  ['X-Request-Id', (n) => ({ headers: { 'x-request-id': repeated('a', n) } })],
  ['traceparent', (n) => ({ headers: { traceparent: `00-${repeated('a', n)}` } })],
  ['Accept', (n) => ({ path: '/', headers: { accept: repeated('text/html;q=0.1,', n) } })],
  ['Accept of parameters', (n) => ({ path: '/', headers: { accept: `text/html${repeated(';q=', n)}` } })],
  ['Accept of spaces', (n) => ({ path: '/', headers: { accept: `text/html;${repeated(' ', n)}q` } })],
  ['Cache-Control', (n) => ({ path: '/auth/me', headers: { 'cache-control': repeated('no-', n) } })],
  ['User-Agent', (n) => login({ 'user-agent': repeated('\u00ad', n) })],
  ['User-Agent of spaces', (n) => login({ 'user-agent': `a${repeated(' ', n)}a` })],
  ['Authorization of spaces', (n) => bearing(`Bearer${repeated(' ', n)}a`)],
  ['a token of dots', (n) => bearing(`Bearer ${repeated('.', n)}`)],
  ['a token of letters', (n) => bearing(`Bearer ${repeated('a', n)}`)],
  ['a token that is too short', (n) => bearing(`Bearer ${repeated('a', n / 4)}.a.a`)],
  ['a token with a long header', (n) => bearing(`Bearer ${base64(`{"a":${repeated('[', n / 6)}`)}.a.a`)],
  ['a personal token', (n) => bearing(`Bearer usher_pat_${repeated('a', n)}`)],
  ['Basic', (n) => bearing(`Basic ${repeated('a', n)}`)],
  ['Content-Type of parameters', (n) => typed(`application/json${repeated(';a=b', n)}`)],
  ['Content-Type of one parameter', (n) => typed(`application/json;a=${repeated('b', n)}`)],
  ['Content-Type of semicolons', (n) => typed(`application/json${repeated(';', n)}`)],
  ['Content-Type of spaces', (n) => typed(`application/json;${repeated(' ', n)}charset`)],
  ['Content-Type of charsets', (n) => typed(`application/json${repeated('; charset ', n)}`)],
  ['Content-Type of quotes', (n) => typed(`application/json${repeated(';a="', n)}`)],
  ['Content-Type of backslashes', (n) => typed(`application/json;a="${repeated('\\\\', n)}`)],
  ['Content-Type of a boundary', (n) => typed(`multipart/form-data;boundary=${repeated('a', n)}`)],
  ['Content-Encoding', (n) => login({ 'content-encoding': repeated('gzip,', n) })],
  ['Expect', (n) => ({ headers: { expect: repeated('100-', n) } })],
];

/** Every parser of bodies, and every rule of a field that strangers may send. */
const BODIES: [string, (bytes: number) => Sent][] = [
  ['a name once more each time', (n) => json('/auth/login', `{${repeated('"a":1,', n)}"a":1}`)],
  ['many names', (n) => json('/auth/login', `{${repeated((i) => `"${i.toString(36)}":1,`, n)}"zzz":1}`)],
  ['many numbered names', (n) => json('/auth/login', `{${repeated((i) => `"${i * 65_536}":1,`, n)}"z":1}`)],
  ['many objects', (n) => json('/auth/login', `{"a":[${repeated('{"a":1},', n)}{}]}`)],
  ['many values', (n) => json('/auth/login', `{"a":[${repeated('1,', n)}1]}`)],
  ['many strings', (n) => json('/auth/login', `{"a":[${repeated('"",', n)}""]}`)],
  [
    'many strings far down',
    (n) => json('/auth/login', `${'['.repeat(30)}${repeated('"",', n)}""${']'.repeat(30)}`),
  ],
  ['brackets', (n) => json('/auth/login', repeated('[', n))],
  ['a broken array', (n) => json('/auth/login', `[${repeated('1 ', n)}`)],
  ['blanks', (n) => json('/auth/login', `${repeated(' \n', n)}x`)],
  ['escapes', (n) => json('/auth/login', `{"a":"${repeated('\\u0041', n)}"}`)],
  ['backslashes', (n) => json('/auth/login', `{"a":"${repeated('\\\\', n)}"}`)],
  ['a string without an end', (n) => json('/auth/login', `{"a":"${repeated('a', n)}`)],
  ['a number', (n) => json('/auth/login', `{"a":${repeated('1', n)}}`)],
  ['an exponent', (n) => json('/auth/login', `{"a":1e${repeated('1', n)}}`)],
  ['comments', (n) => json('/auth/login', repeated('/*', n))],
  ['a long name', (n) => json('/auth/login', `{"${repeated('a', n)}":1}`)],
  ['an identifier', (n) => field('/auth/login', 'identifier', repeated('a@', n))],
  ['an identifier of digits', (n) => field('/auth/login', 'identifier', `+${repeated('1 ', n)}`)],
  ['a password', (n) => field('/auth/login', 'password', repeated('é', n / 2))],
  ['a code', (n) => field('/auth/login', 'code', repeated('1', n))],
  ['a challenge', (n) => field('/auth/login/second-factor', 'challenge', repeated('a.', n))],
  ['an email address of dots', (n) => field('/auth/register', 'email', `${repeated('a.', n)}@a.example`)],
  ['an email address of domains', (n) => field('/auth/register', 'email', `a@${repeated('a.', n)}`)],
  ['an email address of hyphens', (n) => field('/auth/register', 'email', `a@a${repeated('-', n)}`)],
  ['an email address of spaces', (n) => field('/auth/register', 'email', `a${repeated(' ', n)}a`)],
  [
    'an email address of another script',
    (n) => field('/auth/register', 'email', `a@${repeated('ü', n / 2)}`),
  ],
  ['a new password', (n) => field('/auth/register', 'password', repeated('aB', n))],
  ['a username', (n) => field('/auth/register', 'username', `${repeated('a.', n)}!`)],
  ['a phone number', (n) => field('/auth/register', 'phone', `+${repeated('1 (', n)}`)],
  ['a text', (n) => field('/auth/register', 'bio', repeated('\\r\\n', n))],
  ['a text of marks', (n) => field('/auth/register', 'bio', repeated('\u0316\u0301', n / 2))],
  ['a refresh token', (n) => field('/auth/refresh', 'refresh_token', `usher_rt_${repeated('a', n)}`)],
  ['the token of a mail', (n) => field('/auth/verify-email', 'token', repeated('a', n))],
  ['an address to mail to', (n) => field('/auth/forgot-password', 'email', `${repeated('@', n)}`)],
  ['a form of one name', (n) => form(repeated('a=1&', n))],
  ['a form of many names', (n) => form(repeated((i) => `${i.toString(36)}=&`, n))],
  ['a form of escapes', (n) => form(`username=${repeated('%41', n)}`)],
  ['a form of spaces', (n) => form(`username=${repeated('+', n)}`)],
  ['a form of nothing', (n) => form(repeated('&', n))],
];

/** What the bounds just let through, which is validated. */
const LET_THROUGH: [string, number, (bytes: number) => Sent][] = [
  ['names', 8_900, (n) => json('/auth/login', `{${repeated((i) => `"${1_000 + i}":1,`, n)}"z":1}`)],
  ['objects', 28_800, (n) => json('/auth/login', `{"a":[${repeated('{},', n)}{}]}`)],
  ['lists', 28_800, (n) => json('/auth/login', `{"a":[${repeated('[],', n)}[]]}`)],
  ['objects with a name', 7_936, (n) => json('/auth/login', `{"a":[${repeated('{"a":1},', n)}{}]}`)],
  ['ids', 18_000, (n) => json('/auth/login', `{"ids":[${repeated('1,', n)}1]}`)],
];

const BOUNDARY = 'a'.repeat(60);

/** The parser of uploads, behind a token. */
const UPLOADS: [string, (bytes: number) => string][] = [
  ['parts', (n) => repeated(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n`, n)],
  ['parts without a name', (n) => repeated(`--${BOUNDARY}\r\nA: b\r\n\r\n1\r\n`, n)],
  ['headers of a part', (n) => `--${BOUNDARY}\r\n${repeated('A: b\r\n', n)}`],
  ['one header of a part', (n) => `--${BOUNDARY}\r\nContent-Disposition: form-data${repeated(';a=b', n)}`],
  [
    'a quoted name',
    (n) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${repeated('\\"', n)}"\r\n\r\n`,
  ],
  ['nearly the boundary', (n) => `${aFilePart()}${repeated(`\r\n--${BOUNDARY.slice(1)}`, n)}`],
  ['the letter of the boundary', (n) => `${aFilePart()}${repeated('a', n)}`],
  ['line breaks', (n) => `${aFilePart()}${repeated('\r\n', n)}`],
  ['a beginning without a boundary', (n) => repeated('\r\n-', n)],
];

describe('linear time', () => {
  let usher: TestApp;
  let person: TestUser;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  beforeAll(async () => {
    usher = await TestApp.start({ env: { TRUST_PROXY: '127.0.0.0/8,::1' } });
    person = await aUser(usher);
  });
  afterAll(async () => {
    agent.destroy();
    await usher.stop();
  });

  /** Resolves when the whole answer is here. */
  function send({ method = 'GET', path = '/health/live', headers = {}, body }: Sent): Promise<number> {
    return new Promise((resolve, reject) => {
      const sent = request(
        `${usher.url}`,
        {
          agent,
          method,
          path,
          headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
        },
        (answer) => void textOf(answer).then(() => resolve(answer.statusCode!), reject),
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  async function expectLinear(make: (bytes: number) => Sent, largest: number): Promise<void> {
    const prepare = (size: number) => {
      const sent = make(size);
      return () => send(sent);
    };
    expect(await growthOf(prepare, largest)).toMatchObject({ isLinear: true });
  }

  it.each(HEADS)('request takes linear time for %s', (_what, make) => expectLinear(make, HEAD_BYTES));

  it('request takes linear time for If-None-Match', async () => {
    const known = (bytes: number): Sent => ({
      path: '/auth/me',
      headers: { ...person.bearer, 'if-none-match': repeated('W/"a" ,', bytes - 500) },
    });
    await expectLinear(known, HEAD_BYTES);
  });

  it.each(BODIES)('request takes linear time for a body of %s', (_what, make) =>
    expectLinear(make, BODY_BYTES),
  );

  it.each(LET_THROUGH)('request takes linear time for the maximum of %s', async (_what, largest, make) => {
    expect(await send(make(largest))).toBe(422);
    await expectLinear(make, largest);
  });

  it.each(UPLOADS)('request takes linear time for an upload of %s', (_what, make) => {
    const upload = (bytes: number): Sent => ({
      method: 'POST',
      path: '/auth/upload-avatar',
      headers: { ...person.bearer, 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
      body: `${make(bytes)}\r\n--${BOUNDARY}--\r\n`,
    });
    return expectLinear(upload, 200_000);
  });
});

function login(headers: Record<string, string>): Sent {
  const sent = json('/auth/login', '{"identifier":"nobody","password":""}');
  return { ...sent, headers: { ...sent.headers, ...headers } };
}

function typed(type: string): Sent {
  return login({ 'content-type': type });
}

function bearing(authorization: string): Sent {
  return { path: '/auth/me', headers: { authorization } };
}

function headersOf(bytes: number, make: (index: number) => [string, string]): Record<string, string> {
  const entries: [string, string][] = [];
  for (let length = 0; length < bytes; length += entries.at(-1)![0].length + 4)
    entries.push(make(entries.length));
  return Object.fromEntries(entries);
}

function lines(bytes: number, name: string, value: string): string[] {
  return Array<string>(Math.floor(bytes / (name.length + value.length + 4))).fill(value);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function aFilePart(): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n`;
}
