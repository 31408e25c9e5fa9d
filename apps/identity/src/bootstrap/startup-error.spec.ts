import { describe, expect, it } from '@jest/globals';
import { PeriodicJob } from '#database';
import { startupErrorText } from './startup-error.js';

const ADDRESS = { host: '127.0.0.1', port: 3000 };

/** As TypeORM throws it: with the statement, its parameters and PostgreSQL's detail, which quotes the row. */
function aQueryError(message: string, code: string): Error {
  return Object.assign(new Error(message), {
    code,
    query: 'INSERT INTO users (email) VALUES ($1)',
    parameters: ['ada@private.example'],
    detail: 'Failing row contains (ada@private.example).',
  });
}

describe('startupErrorText', () => {
  it.each<[string, unknown]>([
    ['a value that PostgreSQL quotes', aQueryError('invalid input syntax: "ada@private.example"', '22P02')],
    [
      'a row that breaks a constraint',
      aQueryError('new row violates check constraint "unforeseen"', '23514'),
    ],
    ['one behind another', new Error('outer', { cause: aQueryError('"ada@private.example"', '22001') })],
    ['JSON that cannot be read', syntaxError('ada@private.example')],
    ['a text', 'ada@private.example'],
    ['an object', { password: 'ada@private.example' }],
  ])('startupErrorText prints nothing of %s', (_what, thrown) => {
    expect(startupErrorText(thrown, ADDRESS)).not.toMatch(/ada@|INSERT|Failing row/);
  });

  it('startupErrorText prints the stack and causes of an unexpected error, and escapes line breaks', () => {
    const error = new TypeError('outer\n    at forged', { cause: new Error('inner') });
    const lines = startupErrorText(error, ADDRESS).split('\n');
    expect(lines[0]).toBe('TypeError: outer\\u000a    at forged');
    expect(lines[1]).toMatch(/^ {4}at .*startup-error\.spec/);
    expect(lines).toContain('caused by Error: inner');
  });
});

describe('PeriodicJob', () => {
  it('PeriodicJob logs a failed run without the properties of the error', async () => {
    const lines: string[] = [];
    class Failing extends PeriodicJob {
      constructor() {
        super(1);
        Object.assign(this.logger, { warn: (line: string) => lines.push(line) });
      }
      run(): Promise<void> {
        return Promise.reject(aQueryError('invalid input syntax: "ada@private.example"', '22P02'));
      }
    }
    const job = new Failing();
    job.onApplicationBootstrap();
    while (lines.length === 0) await new Promise(setImmediate);
    job.onApplicationShutdown();
    expect(lines[0]).toBe('put off: Error: PostgreSQL does not take a value (22P02)');
  });
});

function syntaxError(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}
