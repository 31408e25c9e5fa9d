import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Response } from 'supertest';
import { aUser, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { expectOAuthError, expectProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

const FORM = 'application/x-www-form-urlencoded';

describe('POST /auth/token', () => {
  let usher: TestApp;
  let ada: TestUser;
  let good: Record<string, string>;

  beforeAll(async () => {
    usher = await TestApp.start();
    ada = await aUser(usher, { username: 'ada', password: 'a+b & c=d %41 é' });
    good = { grant_type: 'password', username: ada.email, password: 'a+b & c=d %41 é' };
  });

  afterAll(async () => {
    await usher.stop();
  });

  function token(
    form: Record<string, string> | string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const text = typeof form === 'string' ? form : new URLSearchParams(form).toString();
    return usher.http
      .post('/auth/token')
      .set('content-type', FORM)
      .set(headers)
      .send(text)
      .then((answer) => answer);
  }

  const expectRefusal = (answer: Response, error: string): string[] =>
    expectOAuthError(answer, 400, error, `auth.${error}`);

  it('/auth/token answers as RFC 6749, section 5.1, requires', async () => {
    const answer = await token(good);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 900,
      refresh_token: expect.stringMatching(/^usher_rt_[\w-]{70}$/),
      refresh_expires_in: 604_800,
    });
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      pragma: 'no-cache',
      'content-type': expect.stringMatching(/^application\/json/),
    });
    await usher.http.get('/auth/me').set(bearer(answer.body.access_token)).expect(200);
  });

  it('/auth/token accepts every identifier of a user', async () => {
    for (const username of ['ADA', ada.email.toUpperCase()]) {
      expect((await token({ ...good, username })).status).toBe(200);
    }
  });

  it.each([
    [
      'what Swagger UI sends along',
      { authorization: `Basic ${Buffer.from('client:secret').toString('base64')}` },
    ],
    ['an empty client', { authorization: 'Basic Og==' }],
    ['a token that is not valid any more', { authorization: 'Bearer x.y.z' }],
  ])('/auth/token ignores %s', async (_what, headers) => {
    expect((await token(good, headers)).status).toBe(200);
  });

  it('/auth/token ignores clients, scopes and unknown parameters', async () => {
    const more = {
      client_id: 'x',
      client_secret: 'y',
      scope: 'a b',
      resource: 'https://z.example',
      is_admin: 'true',
    };
    expect((await token({ ...good, ...more })).status).toBe(200);
    expect((await token({ ...good, scope: '', client_id: '' })).status).toBe(200);
  });

  it.each([
    ['as a browser does', {}],
    ['as `fetch` in its documentation does', { grant_type: '', scope: '', client_id: '', client_secret: '' }],
    ['as Swagger UI does', { grant_type: 'password', scope: 'me items', client_id: 'x', client_secret: 'y' }],
  ])("/auth/token accepts FastAPI's login form, sent %s", async (_who, more) => {
    const answer = await token({ username: good.username!, password: good.password!, ...more });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ access_token: expect.any(String), token_type: 'bearer' });
    const wrong = await token({ username: good.username!, password: 'wrong', ...more });
    expectRefusal(wrong, 'invalid_grant');
  });

  it('/auth/token refuses a wrong password, an unknown and a closed account alike', async () => {
    const gone = await aUser(usher);
    await usher.http.delete('/auth/account').set(gone.bearer).send({ password: PASSWORD }).expect(200);
    const texts = new Set<string>();
    for (const form of [
      { ...good, password: 'wrong' },
      { ...good, password: 'x'.repeat(1_000) },
      { ...good, username: 'nobody' },
      { ...good, username: gone.email, password: PASSWORD },
    ]) {
      const answer = await token(form);
      expectRefusal(answer, 'invalid_grant');
      texts.add(answer.text);
    }
    expect(texts.size).toBe(1);
  });

  it.each(['client_credentials', 'authorization_code', 'PASSWORD', 'password ', 'REFRESH_TOKEN', 'refresh'])(
    '/auth/token refuses grant type %j',
    async (grant_type) => {
      expectRefusal(await token({ ...good, grant_type }), 'unsupported_grant_type');
      expectRefusal(await token({ grant_type, refresh_token: 'x' }), 'unsupported_grant_type');
    },
  );

  it.each<[string, string[]]>([
    ['', ['body: missing']],
    ['username=ada', ['body.grant_type: missing']],
    ['grant_type=&username=ada&password=', ['body.grant_type: missing']],
    ['refresh_token=x', ['body.grant_type: missing']],
    ['grant_type=password&password=x', ['body.username: missing']],
    ['grant_type=password&username=&password=x', ['body.username: missing']],
    ['grant_type=password&username=ada', ['body.password: missing']],
    ['grant_type=password&username=ada&password=', ['body.password: missing']],
    ['grant_type=refresh_token', ['body.refresh_token: missing']],
    ['grant_type=refresh_token&refresh_token=', ['body.refresh_token: missing']],
    ['grant_type=refresh_token&refresh_token=x&refresh_token=x', ['body.refresh_token: duplicate_field']],
    ['grant_type=refresh_token&refresh_token=%00', ['body.refresh_token: invalid_text']],
    [`grant_type=refresh_token&refresh_token=${'x'.repeat(257)}`, ['body.refresh_token: string_too_long']],
    ['grant_type=password&username=ada&username=ada&password=x', ['body.username: duplicate_field']],
    ['grant_type=password&username=ada&password=x&user%6eame=ada', ['body.username: duplicate_field']],
    [
      'grant_type=password&username=ada&password=x&a%22%5C%C3%A9=1&a%22%5C%C3%A9=1',
      ['body.a"\\é: duplicate_field'],
    ],
    ['grant_type=password&username=a%00da&password=x', ['body.username: invalid_text']],
    ['grant_type=password&username=ada&password=%00', ['body.password: invalid_text']],
    ['grant_type=password&username=%ED%A0%80&password=x', []],
    ['grant_type=password&username=%&password=x', []],
    ['__proto__=1&grant_type=password&username=ada&password=x', ['body.__proto__: forbidden_field']],
    [`grant_type=password&username=${'x'.repeat(321)}&password=x`, ['body.username: string_too_long']],
    [`grant_type=${'x'.repeat(65)}`, ['body.grant_type: string_too_long']],
    ['{"grant_type":"password"}', ['body.grant_type: missing']],
  ])('/auth/token refuses %j as an invalid request', async (form, errors) => {
    expect(expectRefusal(await token(form), 'invalid_request')).toEqual(errors);
  });

  it('/auth/token refreshes like /auth/refresh, ignoring parameters of the other grant', async () => {
    const first = await token(good);
    const grant = { grant_type: 'refresh_token', refresh_token: first.body.refresh_token as string };
    const next = await token({ ...grant, username: 'nobody', password: 'x', scope: 'a b' });
    expect(next.status).toBe(200);
    expect(Object.keys(next.body as object).sort()).toEqual(Object.keys(first.body as object).sort());
    expect(next.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
    expect(next.body.refresh_token).not.toBe(grant.refresh_token);
    await usher.http.get('/auth/me').set(bearer(next.body.access_token)).expect(200);
    const lost = await usher.http
      .post('/auth/refresh')
      .send({ refresh_token: grant.refresh_token })
      .expect(200);
    expect(lost.body.refresh_token).toBe(next.body.refresh_token);
  });

  it('/auth/token refuses a bad refresh token like a wrong password', async () => {
    const { body } = await token(good);
    for (const refresh_token of ['x', `${body.refresh_token as string}A`, body.access_token as string]) {
      const isLong = refresh_token.length > 256;
      const answer = await token({ grant_type: 'refresh_token', refresh_token });
      expectRefusal(answer, isLong ? 'invalid_request' : 'invalid_grant');
    }
  });

  it('/auth/token takes only forms, of 100 kB at most', async () => {
    const json = await usher.http.post('/auth/token').send(good);
    expectOAuthError(json, 415, 'invalid_request', 'request.unsupported_media_type');
    const multipart = await usher.http.post('/auth/token').field('grant_type', 'password');
    expectOAuthError(multipart, 415, 'invalid_request', 'request.unsupported_media_type');
    const large = await token(`grant_type=${'x'.repeat(102_400)}`);
    expectOAuthError(large, 413, 'invalid_request', 'request.too_large');
    expectProblem(await usher.http.get('/auth/token'), 405, 'method_not_allowed');
  });

  it('no OAuth metadata is served while the issuer is not a URL', async () => {
    const answer = await usher.http.get('/.well-known/oauth-authorization-server');
    expectProblem(answer, 404, 'auth.no_server_metadata');
  });
});
