import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tokenSigner } from '../support/app/access-token.js';
import { countSignatureChecks } from '../support/app/internals.js';
import { aUser, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { TestApp } from '../support/app/test-app.js';

/** Of 600. */
const QUOTA = 6;
let networks = 0;

describe('bad bearer tokens', () => {
  let generous: TestApp;
  let usher: TestApp;
  let person: TestUser;

  beforeAll(async () => {
    generous = await TestApp.start();
    const env = { RATE_LIMIT_FACTOR: '0.01', TRUST_PROXY: 'on' };
    usher = await TestApp.start({ database: generous.database, env });
    person = await aUser(generous);
  });

  afterAll(async () => {
    await usher.stop();
    await generous.stop();
  });

  const aNetwork = (): string => `192.0.2.${++networks}`;

  const ask = (token: string, from: string) =>
    usher.http.get('/auth/me').set(bearer(token)).set('x-forwarded-for', from);

  async function statuses(token: () => string, from: string, count: number): Promise<number[]> {
    const all: number[] = [];
    for (let n = 0; n < count; n++) all.push((await ask(token(), from)).status);
    return all;
  }

  /** Ours, except for the signature. */
  function forged(): string {
    const [header, payload] = person.token.split('.');
    return `${header}.${payload}.${randomBytes(64).toString('base64url')}`;
  }

  const allButOne = (status: number): number[] => [...Array<number>(QUOTA).fill(status), 429];

  it('bad tokens past the limit are refused before a signature check, for their network only', async () => {
    const [theirs, elsewhere] = [aNetwork(), aNetwork()];
    const checks = countSignatureChecks(usher);
    expect(await statuses(forged, theirs, QUOTA + 1)).toEqual(allButOne(401));
    expect(checks()).toBe(QUOTA);
    const refused = await ask(forged(), theirs);
    expectProblem(refused, 429, 'request.rate_limited');
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(refused.headers['ratelimit-policy']).toBe(`"bad-tokens";q=${QUOTA};w=60`);
    // A logout looks at nothing but the token.
    await usher.http.post('/auth/logout').set(bearer(forged())).set('x-forwarded-for', theirs).expect(429);
    expect(checks()).toBe(QUOTA);
    expect((await ask(forged(), elsewhere)).status).toBe(401);
  });

  it('parallel bad tokens do not exceed the limit', async () => {
    const from = aNetwork();
    const all = await Promise.all(Array.from({ length: 40 }, () => ask(forged(), from)));
    expect(all.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(QUOTA);
  });

  it('bad tokens do not affect tokens in use on their network', async () => {
    const from = aNetwork();
    const colleague = await aUser(generous);
    const newcomer = await aUser(generous);
    expect((await ask(colleague.token, from)).status).toBe(200);
    await statuses(forged, from, QUOTA + 1);
    expect((await ask(colleague.token, from)).status).toBe(200);
    // Not known to this instance yet.
    expect((await ask(newcomer.token, from)).status).toBe(429);
    expect((await ask(newcomer.token, aNetwork())).status).toBe(200);
  });

  it('tokens of an ended session count as bad', async () => {
    const { token } = await aUser(generous);
    const from = aNetwork();
    expect((await ask(token, from)).status).toBe(200);
    // On this instance, which therefore knows at once. Another one may take until Δ.
    await usher.http.post('/auth/logout').set(bearer(token)).set('x-forwarded-for', from).expect(204);
    expect(await statuses(() => token, from, QUOTA + 1)).toEqual(allButOne(401));
  });

  it('expired tokens do not count as bad, and are verified once', async () => {
    const from = aNetwork();
    const exp = Math.floor(Date.now() / 1_000) - 60;
    const token = (await tokenSigner(generous, person.token))({ iat: exp - 60, exp });
    const checks = countSignatureChecks(usher);
    expect(new Set(await statuses(() => token, from, 3 * QUOTA))).toEqual(new Set([401]));
    expect(checks()).toBe(1);
    expect((await ask(person.token, from)).status).toBe(200);
  });

  it('bad tokens of every kind share one limit', async () => {
    const from = aNetwork();
    const invented = (): string => `usher_pat_${randomBytes(48).toString('base64url')}`;
    let n = 0;
    expect(await statuses(() => (n++ % 2 ? forged() : invented()), from, QUOTA + 1)).toEqual(allButOne(401));
    const { body } = await generous.http
      .post('/auth/tokens')
      .set(person.bearer)
      .send({ name: 'backup', scopes: ['profile:read'], password: PASSWORD })
      .expect(201);
    expect((await ask(body.token as string, from)).status).toBe(429);
    expect((await ask(body.token as string, aNetwork())).status).toBe(200);
  });
});
