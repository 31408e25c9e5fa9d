import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { anAdmin, aUser, bearer } from '../support/app/users.js';
import { type Access, type Route, routesOf } from '../support/app/route-table.js';
import { TestApp } from '../support/app/test-app.js';

const SERVICE_TOKEN = 'c2VydmljZS10b2tlbi1mb3ItZXZlcnl0aGluZw';
const PRIVILEGES = 'metrics+introspect+revoke+lookup+login+metadata';

/** Calls that only read, and send what they look for in a body. */
const READS = new Set(['POST /auth/introspect', 'POST /users/lookup']);

describe('rate limits of writes', () => {
  let usher: TestApp;
  /** The same service with no quota at all: what it does not refuse has no limit. */
  let strict: TestApp;
  let callers: Record<Access, Record<string, string>[]>;

  beforeAll(async () => {
    usher = await TestApp.start();
    const env = { RATE_LIMIT_FACTOR: '0', SERVICE_TOKENS: `all:${PRIVILEGES}=${SERVICE_TOKEN}` };
    strict = await TestApp.start({ database: usher.database, env });
    const { bearer: user } = await aUser(usher);
    const { bearer: admin } = await anAdmin(usher);
    const service = bearer(SERVICE_TOKEN);
    callers = {
      anyone: [{}],
      'anyone, known or not': [{}, user],
      'token holder': [user],
      user: [user],
      admin: [admin],
      'admin or service': [admin, service],
      service: [service],
    };
  });

  afterAll(async () => {
    await strict.stop();
    await usher.stop();
  });

  /** An audited call writes, by any method. */
  const writes = (): Route[] =>
    routesOf(strict).filter(
      ({ method, path, config }) =>
        (!['GET', 'HEAD'].includes(method) || config.audit !== undefined) && !READS.has(`${method} ${path}`),
    );

  it('every writing route is rate-limited for each kind of caller', async () => {
    expect(writes().length).toBeGreaterThan(30);
    const unlimited: string[] = [];
    for (const { method, path, access } of writes()) {
      for (const [n, headers] of callers[access].entries()) {
        const { status } = await fetch(strict.url + path.replace(/:\w+/g, crypto.randomUUID()), {
          method,
          headers,
        });
        if (status !== 429) unlimited.push(`${method} ${path} (${access} ${n}): ${status}`);
      }
    }
    expect(unlimited).toEqual([]);
  });

  it('every writing route documents 429 in OpenAPI', async () => {
    const { body: document } = await usher.http.get('/openapi.json').expect(200);
    const silent = writes().filter(({ method, path }) => {
      const operation = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
      return operation?.responses['429'] === undefined;
    });
    expect(silent.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });
});
