import { describe, expect, it } from '@jest/globals';
import { reasonOf } from './logged-error.js';

describe('reasonOf', () => {
  it.each<[string, unknown, string]>([
    ['the message of an error', new Error('connection refused'), 'connection refused'],
    [
      'the code of an error without a message',
      Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
      'ECONNREFUSED',
    ],
    ['the name of an error with neither', new TypeError(), 'TypeError'],
    [
      'nothing of a value that PostgreSQL quotes',
      Object.assign(new Error('invalid: "secret"'), { code: '22P02' }),
      'PostgreSQL does not take a value',
    ],
    ['nothing of what is not an error', 'secret', 'no reason given'],
  ])('reasonOf gives %s', (_, error, reason) => {
    expect(reasonOf(error)).toBe(reason);
  });
});
