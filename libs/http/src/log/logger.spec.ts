import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { createLogger, prettyDestination } from './logger.js';
import { NestLogger } from './nest-logger.js';

const settings = { nodeEnv: 'test', logLevel: 'info' } as const;

function entries(write: (logger: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLogger(settings, { write: (line) => lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('createLogger', () => {
  it('logger redacts secrets', () => {
    const [entry] = entries((logger) =>
      logger.info({ password: 'p', headers: { authorization: 'Bearer x' } }, 'x'),
    );
    expect(entry).toMatchObject({ password: '[redacted]', headers: { authorization: '[redacted]' } });
  });

  it('logger writes only the listed members of an error and of its causes', () => {
    const driver = Object.assign(new Error('duplicate key'), {
      detail: 'Key (email)=(a@b.c)',
      code: '23505',
    });
    const error = Object.assign(new Error('failed', { cause: driver }), {
      query: 'INSERT',
      parameters: ['$2b$'],
    });
    const [entry] = entries((logger) => logger.error({ err: error }, 'x'));
    expect(entry?.err).toMatchObject({
      message: 'failed',
      cause: { message: 'duplicate key', code: '23505' },
    });
    expect(JSON.stringify(entry)).not.toMatch(/INSERT|2b|a@b/);
  });

  it('logger omits messages in which PostgreSQL quotes a value', () => {
    const error = Object.assign(new Error('invalid input syntax for type integer: "private"'), {
      code: '22P02',
    });
    const written = entries((logger) => {
      logger.error({ err: new Error('failed', { cause: error }) }, 'x');
      new NestLogger(logger).error(error);
    });
    expect(written).toMatchObject([{ err: { cause: { code: '22P02' } } }, { err: { code: '22P02' } }]);
    expect(JSON.stringify(written)).not.toContain('private');
  });

  it('logger escapes line breaks in input, in JSON and in pretty output', () => {
    const attack = 'x\n{"level":30,"msg":"forged"}\r\u001b[2K\u0085forged';
    const error = new Error(attack);
    const write = (logger: ReturnType<typeof createLogger>): void => {
      logger.info({ field: attack, err: error }, attack);
      new NestLogger(logger).error(error, attack, attack);
    };
    expect(entries(write)).toHaveLength(2);

    const printed = new PassThrough();
    write(createLogger(settings, prettyDestination(printed)));
    const text = String(printed.read());
    const begun = text.split('\n').filter((line) => line !== '' && !line.startsWith('    '));
    expect(begun).toEqual([expect.stringMatching(/^\[/), expect.stringMatching(/^\[/)]);
    expect(text).not.toMatch(/^\s*\{"level/m);
    // eslint-disable-next-line no-control-regex -- the output must not contain them
    expect(text).not.toMatch(/[\r\u001b]/);
  });
});

describe('NestLogger', () => {
  it('NestLogger keeps the context, and logs modules and routes at debug', () => {
    const written = entries((logger) => {
      const nest = new NestLogger(logger);
      nest.log('Mapped {/, GET} route', 'RouterExplorer');
      nest.log('ready', 'Main');
      nest.error('broken', 'Error: broken\n    at x', 'Main');
    });
    expect(written).toMatchObject([
      { level: 30, context: 'Main', msg: 'ready' },
      { level: 50, context: 'Main', msg: 'broken', stack: 'Error: broken\n    at x' },
    ]);
  });

  it('NestLogger does not log errors that Nest also throws', () => {
    const written = entries((logger) => {
      const nest = new NestLogger(logger);
      nest.error('Error: listen EADDRINUSE: address already in use 127.0.0.1:3000', 'NestApplication');
      nest.error(new Error('The directory cannot be used.'), 'ExceptionHandler');
    });
    expect(written).toEqual([]);
  });
});
