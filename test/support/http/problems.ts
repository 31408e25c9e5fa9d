import { expect } from '@jest/globals';
import { type Response } from 'supertest';

/** What no answer may contain: stacks, SQL, hashes, drivers. */
const LEAKS =
  /\bat \S+ \(|\.(ts|js):\d|node_modules|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b|\$2[aby]\$|QueryFailed|postgres|pg_|typeorm/i;

/** Checks that an answer is this problem, complete, and leaks nothing. Returns the types of its field errors. */
export function expectProblem(response: Response, status: number, code: string): string[] {
  const body = aProblem(response);
  expect([body.status, body.code]).toEqual([status, code]);
  return (body.errors ?? []).map((error) => `${error.loc.join('.')}: ${error.type}`);
}

/** Checks that an answer is this error as OAuth has it (RFC 6749, section 5.2), and leaks nothing. */
export function expectOAuthError(response: Response, status: number, error: string, code: string): string[] {
  const body = anOAuthError(response);
  expect([response.status, body.error, body.code]).toEqual([status, error, code]);
  return (body.errors ?? []).map((each) => `${each.loc.join('.')}: ${each.type}`);
}

/** Checks that an answer is some error of OAuth, complete, and leaks nothing. */
export function anOAuthError(response: Response): Pick<ProblemBody, 'code' | 'errors'> & { error: string } {
  expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(response.body).toMatchObject({
    error: expect.stringMatching(/^[a-z_]+$/),
    error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
    code: expect.stringMatching(/^[a-z_]+(\.[a-z_]+)?$/),
  });
  const members = ['error', 'error_description', 'code', 'errors', 'privilege'];
  expect(members).toEqual(expect.arrayContaining(Object.keys(response.body as object)));
  expectHarmless(response);
  return response.body as ReturnType<typeof anOAuthError>;
}

function expectHarmless({ status, headers, text }: Response): void {
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['x-request-id']).toBeDefined();
  expect(headers['www-authenticate'] === undefined).toBe(status !== 401);
  if (status === 503 || status === 429) expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
  expect(text).not.toMatch(LEAKS);
}

interface ProblemBody {
  status: number;
  code: string;
  errors?: { loc: (string | number)[]; msg: string; type: string }[];
}

/** Checks that an answer is some problem, complete, and leaks nothing. */
export function aProblem(response: Response): ProblemBody {
  const { status, headers, body } = response;
  expect(headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({
    type: expect.stringMatching(/^urn:usher:problem:[a-z_.]+$/),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    code: expect.stringMatching(/^[a-z_]+(\.[a-z_]+)?$/),
  });
  expectHarmless(response);
  return body as ProblemBody;
}

/** No answer may take longer, in milliseconds, even if a dependency hangs. */
export const DEADLINE_MS = 2_000;

/** Checks for a 503 with Retry-After that leaks nothing. */
export function expectUnavailable(answer: Response): void {
  expect(aProblem(answer).status).toBe(503);
}

/** @throws Error when the answer came too late */
export async function timed(request: () => PromiseLike<Response>, withinMs = DEADLINE_MS): Promise<Response> {
  const startedAt = performance.now();
  const answer = await request();
  const ms = performance.now() - startedAt;
  if (ms > withinMs) throw new Error(`${answer.request.url} took ${Math.round(ms)} ms: ${answer.status}`);
  return answer;
}
