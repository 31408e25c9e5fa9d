import { describe, expect, it } from '@jest/globals';
import { postgresUrl, smtpUrl, withoutSecrets } from './connection-url.js';

describe('postgresUrl', () => {
  it.each([
    'postgres://localhost/usher',
    'postgresql://usher:p%40ss@db.internal:5432/usher?sslmode=require',
    'postgres://usher:pa:ss@[::1]:5432/usher',
    'postgres:///usher?host=/run/postgresql',
    'postgres://usher@%2Frun%2Fpostgresql/usher',
  ])('postgresUrl accepts %s', (url) => {
    expect(postgresUrl.parse(url)).toBe(url);
  });

  it.each([
    'localhost:5432/usher',
    'mysql://localhost/usher',
    'postgres:localhost',
    'postgres://localhost:port/usher',
    'postgres://localhost:0/usher',
    'postgres://localhost:65536/usher',
    'postgres://usher:p@ss@localhost/usher',
    'postgres://usher:12/ss@localhost/usher',
    'postgres://usher:12#ss@localhost/usher',
    'postgres://usher:100%@localhost/usher',
    'postgres://usher:p ss@localhost/usher',
    'postgres://a:5432,b:5432/usher',
  ])('postgresUrl refuses %s', (url) => {
    expect(() => postgresUrl.parse(url)).toThrow();
  });
});

describe('smtpUrl', () => {
  it.each([
    'smtp://localhost',
    'smtp://user%40example.com:pa%2Fss@[::1]:587',
    'smtps://user:password@mail.example.com/',
  ])('smtpUrl accepts %s', (url) => {
    expect(smtpUrl.parse(url)).toBe(url);
  });

  it.each([
    'mail.example.com:587',
    'http://mail',
    'smtp://',
    'smtp://mail/path',
    'smtp://mail?tls.rejectUnauthorized=false',
    'smtp://a,b',
    'smtp://user:p@ss@mail',
  ])('smtpUrl refuses %s', (url) => {
    expect(() => smtpUrl.parse(url)).toThrow();
  });
});

describe('withoutSecrets', () => {
  it.each([
    ['postgres://usher:pa:ss@db:5432/usher', 'postgres://usher:[set]@db:5432/usher'],
    ['postgres://db/usher?password=hidden&sslmode=require', 'postgres://db/usher?[set]'],
    ['postgres://usher:12?ss@db/usher', 'postgres://usher:12?[set]'],
    ['redis://:hidden@cache', 'redis://:[set]@cache'],
    ['redis://hidden@cache/1', 'redis://[set]@cache/1'],
    ['redis+sentinel://u:hidden@a,b/primary/0', 'redis+sentinel://u:[set]@a,b/primary/0'],
    ['redis://cache', 'redis://cache'],
  ])('withoutSecrets prints %s as %s', (url, shown) => {
    expect(withoutSecrets(url)).toBe(shown);
  });
});
