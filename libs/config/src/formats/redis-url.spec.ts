import { describe, expect, it } from '@jest/globals';
import { FormatError } from './format.js';
import { parseRedisUrl, redisUrl } from './redis-url.js';

const localhost = { host: 'localhost', port: 6_379 };

describe('parseRedisUrl', () => {
  it.each([
    ['redis://localhost', { kind: 'standalone', tls: false, nodes: [localhost], credentials: {}, db: 0 }],
    ['redis://localhost/', { db: 0 }],
    ['redis://localhost:6380/7', { nodes: [{ host: 'localhost', port: 6_380 }], db: 7 }],
    [
      'rediss://cache-1.example_x.com',
      { tls: true, nodes: [{ host: 'cache-1.example_x.com', port: 6_379 }] },
    ],
    ['redis://[::1]:6380', { nodes: [{ host: '::1', port: 6_380 }] }],
    ['redis://:secret@localhost', { credentials: { password: 'secret' } }],
    [
      'redis://usher:p%40ss%2F%3Aword@localhost',
      { credentials: { username: 'usher', password: 'p@ss/:word' } },
    ],
    ['redis://usher:pass:word@localhost', { credentials: { username: 'usher', password: 'pass:word' } }],
    ['redis://usher@localhost', { credentials: { username: 'usher' } }],
    [
      'redis+sentinel://:secret@one,two:26380/primary',
      {
        kind: 'sentinel',
        name: 'primary',
        db: 0,
        tls: false,
        nodes: [
          { host: 'one', port: 26_379 },
          { host: 'two', port: 26_380 },
        ],
        credentials: { password: 'secret' },
      },
    ],
    ['rediss+sentinel://one/my%20primary/3', { kind: 'sentinel', tls: true, name: 'my primary', db: 3 }],
    [
      'rediss+cluster://one:7000,[::1]:7001/',
      {
        kind: 'cluster',
        tls: true,
        nodes: [
          { host: 'one', port: 7_000 },
          { host: '::1', port: 7_001 },
        ],
      },
    ],
  ])('parseRedisUrl reads %s', (url, expected) => {
    expect(parseRedisUrl(url)).toMatchObject(expected);
  });

  it.each([
    '',
    'localhost:6379',
    'http://localhost',
    'redis:localhost',
    'redis://',
    'redis://:6379',
    'redis://localhost:0',
    'redis://localhost:65536',
    'redis://localhost:port',
    'redis://local host',
    'redis://localhost/zero',
    'redis://localhost/-1',
    'redis://localhost/0/1',
    'redis://localhost?family=6',
    'redis://localhost#0',
    'redis://one,two',
    'redis://::1',
    'redis+sentinel://one',
    'redis+sentinel://one/primary/zero',
    'redis+sentinel://one/primary/0/1',
    'redis+cluster://one,,two',
    'redis+cluster://one/1',
    'redis+magic://one',
    'redis://:%zz@localhost',
    'redis://:%ff@localhost',
    'redis://:pa@ss@localhost',
  ])('parseRedisUrl refuses %p', (url) => {
    expect(() => parseRedisUrl(url)).toThrow(FormatError);
  });

  it.each([
    'redis://:hunter2%@localhost',
    'redis://:hunter2@hunter2@localhost',
    'redis://u:hunter2@localhost/x',
  ])('parseRedisUrl does not repeat the password of %s in the error', (url) => {
    expect(() => parseRedisUrl(url)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
  });
});

describe('redisUrl', () => {
  it.each([
    'redis://localhost',
    'redis://:password@localhost:6379/0',
    'rediss://user:password@cache.internal/15',
    'redis+sentinel://:password@a:26379,b:26379,[::1]:26379/primary/2',
    'rediss+sentinel://a/primary',
    'redis+cluster://a:6379,b:6379',
    'rediss+cluster://a/',
  ])('redisUrl takes %s', (url) => {
    expect(redisUrl.parse(url)).toBe(url);
  });

  it.each([
    'localhost:6379',
    'redis://',
    'http://localhost:6379',
    'redis+tls://localhost',
    'redisss://localhost',
    'redis://a,b',
    'redis://localhost/users',
    'redis://localhost?db=1',
    'redis+sentinel://a:26379,b:26379',
    'redis+sentinel://a,,b/primary',
    'redis+cluster://a/1',
    'redis://:p@ss@localhost',
  ])('redisUrl refuses %s', (url) => {
    expect(() => redisUrl.parse(url)).toThrow();
  });
});
