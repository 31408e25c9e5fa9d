import {
  BadGatewayException,
  HttpException,
  ImATeapotException,
  UnauthorizedException,
} from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { declareErrors, ERROR_STATUSES } from './error-statuses.js';
import { AppError } from './app-error.js';
import { problemResponse } from './problem-response.js';

declareErrors({
  'auth.invalid_credentials': { status: 401, title: 'Wrong identifier or password' },
  'auth.invalid_token': { status: 401, title: 'Invalid token', badToken: true },
});

class TokenTrouble extends AppError {
  constructor(
    readonly code: string,
    detail = 'Not this time.',
  ) {
    super(detail);
  }
}

describe('problemResponse', () => {
  it('problemResponse answers every code of the table with its status', () => {
    for (const [code, row] of Object.entries(ERROR_STATUSES)) {
      const { problem, unexpected } = problemResponse(new TokenTrouble(code));
      expect(problem).toMatchObject({ code, status: row.status, title: row.title });
      expect(unexpected).toBe(false);
    }
  });

  it('problemResponse recognises errors of libs by their shape, and hides messages for operators', () => {
    const error = Object.assign(new Error('connect ECONNREFUSED 10.0.0.5:5432'), {
      code: 'database.unavailable',
    });
    const { problem, headers } = problemResponse(error);
    expect(problem).toMatchObject({ status: 503, detail: 'The database cannot be reached at the moment.' });
    expect(headers).toEqual({ 'retry-after': '1' });
  });

  it.each([
    [
      'a driver error',
      Object.assign(new Error('duplicate key'), { code: '23505', detail: 'Key (email)=(a@b.c)' }),
    ],
    ['a system error', Object.assign(new Error('no'), { code: 'ENOENT', path: '/etc' })],
    ['a code that every object has', Object.assign(new Error('no'), { code: 'constructor' })],
    ['no Error at all', 'DROP TABLE users'],
    ['undefined', undefined],
    ['an object that pretends', { code: 'auth.forbidden', message: 'x' }],
    ['an exception of the server kind', new BadGatewayException('10.0.0.5 is down')],
  ])('problemResponse answers %s with `internal` and no details', (_what, error) => {
    const { problem, unexpected } = problemResponse(error);
    expect(problem.code).toBe('internal');
    expect(JSON.stringify(problem)).not.toMatch(/duplicate|23505|etc|DROP|10\.0/);
    expect(unexpected).toBe(true);
  });

  it('problemResponse sends a bare challenge without credentials, and a reason in allowed characters for bad ones', () => {
    expect(problemResponse(new UnauthorizedException()).headers['www-authenticate']).toBe('Bearer');
    expect(problemResponse(new TokenTrouble('auth.invalid_credentials')).headers['www-authenticate']).toBe(
      'Bearer',
    );
    expect(
      problemResponse(new TokenTrouble('auth.invalid_token', 'é"\r\nX: y\\')).headers['www-authenticate'],
    ).toBe(`Bearer error="invalid_token", error_description="'''''X: y'"`.replace("'''''", "''''"));
  });

  it('problemResponse keeps the status and message of other HttpExceptions', () => {
    expect(problemResponse(new ImATeapotException('Short and stout.')).problem).toMatchObject({
      status: 418,
      code: 'http.418',
      detail: 'Short and stout.',
    });
    const throttled = problemResponse(new HttpException('Slower.', 429));
    expect(throttled.problem).toMatchObject({ code: 'request.rate_limited', detail: 'Slower.' });
    expect(throttled.headers['retry-after']).toBe('1');
  });
});
