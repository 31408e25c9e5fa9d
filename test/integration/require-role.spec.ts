import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { type Response } from 'supertest';
import { Public, RequireRole, Scope, TokenHoldersOnly } from '../../apps/identity/src/access/access.js';
import { TestApp } from '../support/app/test-app.js';
import { anAdmin, aUser, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { eventually } from '../support/time/eventually.js';

const DELTA_MS = 1_000;
const KEEPER = randomBytes(24).toString('hex');

describe('RequireRole', () => {
  @Controller('drafts')
  @RequireRole('editor', 'chief')
  class DraftsController {
    @Get()
    list(): object {
      return { items: [] };
    }

    @Get('scoped')
    @Scope('profile:read')
    scoped(): object {
      return {};
    }

    @Get('open')
    @Public()
    open(): object {
      return {};
    }

    @Get('unknown')
    @TokenHoldersOnly()
    unknown(): object {
      return {};
    }
  }

  let usher: TestApp;
  let admin: TestUser;

  beforeAll(async () => {
    usher = await TestApp.start({
      env: { SERVICE_TOKENS: `keeper:metadata=${KEEPER}` },
      controllers: [DraftsController],
    });
    admin = await anAdmin(usher);
  });

  afterAll(async () => {
    await usher.stop();
  });

  const setRoles = (id: string, roles: string[]): Promise<Response> =>
    usher.http
      .patch(`/users/${id}`)
      .set(admin.bearer)
      .send({ roles })
      .then((answer) => answer);

  async function aVerifiedUser(): Promise<TestUser> {
    const user = await aUser(usher);
    await usher.database.query('UPDATE users SET email_verified = true WHERE id = $1', [user.id]);
    return user;
  }

  it('RequireRole admits a user with one of the roles, by the roles they have now', async () => {
    const user = await aVerifiedUser();
    const drafts = (path = ''): Promise<Response> =>
      usher.http
        .get(`/drafts${path}`)
        .set(user.bearer)
        .then((answer) => answer);
    expectProblem(await drafts(), 403, 'auth.forbidden');
    await setRoles(user.id, ['chief']);
    await eventually(async () => (await drafts()).status === 200, { withinMs: DELTA_MS });
    await setRoles(user.id, ['reader']);
    await eventually(async () => (await drafts()).status === 403, { withinMs: DELTA_MS });
  });

  it('RequireRole refuses administrators, services, requests without a token, and routes that look up no user', async () => {
    expectProblem(await usher.http.get('/drafts').set(admin.bearer), 403, 'auth.forbidden');
    expectProblem(await usher.http.get('/drafts').set(bearer(KEEPER)), 403, 'auth.forbidden');
    expectProblem(await usher.http.get('/drafts'), 401, 'auth.missing_token');
    expectProblem(await usher.http.get('/drafts/unknown').set(admin.bearer), 403, 'auth.forbidden');
    await usher.http.get('/drafts/open').expect(200);
  });

  it('RequireRole requires scope and role of a personal access token', async () => {
    const user = await aVerifiedUser();
    await setRoles(user.id, ['editor']);
    const { body } = await usher.http
      .post('/auth/tokens')
      .set(user.bearer)
      .send({ name: 'script', scopes: ['profile:read'], password: PASSWORD })
      .expect(201);
    const script = bearer(body.token as string);
    await eventually(async () => (await usher.http.get('/drafts/scoped').set(script)).status === 200);
    const refused = await usher.http.get('/drafts').set(script).expect(403);
    expect(refused.body.code).toBe('auth.insufficient_scope');
    await setRoles(user.id, []);
    await eventually(async () => (await usher.http.get('/drafts/scoped').set(script)).status === 403);
  });
});
