import { expect } from '@jest/globals';
import { type Response } from 'supertest';

/** What no client may ever see: stacks, SQL, hashes, drivers. */
const GIVES_AWAY =
  /\bat \S+ \(|\.(ts|js):\d|node_modules|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b|\$2[aby]\$|QueryFailed|postgres|pg_|typeorm/i;

/** Checks that an answer is this problem, complete, and gives nothing away. Returns the types of its field errors. */
export function expectProblem(response: Response, status: number, code: string): string[] {
  const body = aProblem(response);
  expect([body.status, body.code]).toEqual([status, code]);
  return (body.errors ?? []).map((error) => `${error.loc.join('.')}: ${error.type}`);
}

interface ProblemBody {
  status: number;
  code: string;
  errors?: { loc: (string | number)[]; msg: string; type: string }[];
}

/** Checks that an answer is some problem, complete, and gives nothing away. */
export function aProblem({ status, headers, body, text }: Response): ProblemBody {
  expect(headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({
    type: expect.stringMatching(/^urn:usher:problem:[a-z_.]+$/),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    code: expect.stringMatching(/^[a-z_]+(\.[a-z_]+)?$/),
  });
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['x-request-id']).toBeDefined();
  expect(headers['www-authenticate'] === undefined).toBe(status !== 401);
  if (status === 503 || status === 429) expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
  expect(text).not.toMatch(GIVES_AWAY);
  return body as ProblemBody;
}
