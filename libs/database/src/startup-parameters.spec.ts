import { describe, expect, it } from '@jest/globals';
import { refusesStartupParameters, StartupParameters } from './startup-parameters.js';

const MESSAGE = {
  user: 'usher',
  application_name: 'usher',
  statement_timeout: '900',
  idle_in_transaction_session_timeout: '2000',
};

describe('StartupParameters', () => {
  it('StartupParameters has the time-outs until a server refuses them, then none for that server', () => {
    const [refused, same, elsewhere] = [to('pooler', 6432), to('pooler', 6432), to('pooler', 5432)];
    expect(refused.accepted(MESSAGE)).toEqual(MESSAGE);
    refused.refused();
    expect([refused, same, elsewhere].map(({ kept }) => kept)).toEqual([false, false, true]);
    for (const parameters of [refused, same, to('pooler', 6432)]) {
      expect(parameters.accepted(MESSAGE)).toEqual({ user: 'usher', application_name: 'usher' });
    }
    expect(elsewhere.accepted(MESSAGE)).toEqual(MESSAGE);
  });

  it('StartupParameters never has lock_timeout, which is for transactions only', () => {
    expect(to('anywhere', 5432).accepted({ ...MESSAGE, lock_timeout: '500' })).toEqual(MESSAGE);
  });

  it('StartupParameters sets the time-outs at the start of a transaction, if there are any', () => {
    expect(to('a', 1, { statement_timeout: 900.5 }).startTransaction('START TRANSACTION')).toBe(
      'START TRANSACTION; SET LOCAL statement_timeout = 900',
    );
    expect(to('a', 1, { lock_timeout: 500 }).startTransaction('START TRANSACTION')).toBe(
      'START TRANSACTION; SET LOCAL lock_timeout = 500',
    );
    expect(to('a', 1).startTransaction('START TRANSACTION')).toBe('START TRANSACTION');
  });

  it.each([
    [true, new Error('unsupported startup parameter: statement_timeout')],
    [false, new Error('password authentication failed')],
    [false, null],
    [false, undefined],
  ])('refusesStartupParameters returns %s for %s', (refused, error) => {
    expect(refusesStartupParameters(error)).toBe(refused);
  });

  function to(host: string, port: number, timeouts: Record<string, number> = {}): StartupParameters {
    return new StartupParameters({ host, port, statement_timeout: false, ...timeouts });
  }
});
