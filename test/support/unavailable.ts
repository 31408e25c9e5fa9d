import { expect } from '@jest/globals';
import { type Response } from 'supertest';
import { aProblem } from './problems.js';

/** No answer may take longer, in milliseconds, whatever hangs. */
export const DEADLINE_MS = 2_000;

/** A problem that tells to come back, and gives nothing away. */
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
