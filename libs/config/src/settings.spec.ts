import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { readSettings } from './read-settings.js';

const ENCRYPTION_KEY = '1sCGnnGuXfrju1vsKy49BrsYPqHwAY20NqbfMrKOBe0=';

const SECRETS = [
  'hidden-database',
  'hidden-query',
  'hidden-redis',
  'hidden-smtp',
  'hidden-signing',
  'hidden-older-signing',
  'hidden-service-0123456789-abcdef',
  ENCRYPTION_KEY,
  Buffer.from(ENCRYPTION_KEY, 'base64').toString('hex'),
];

function withSecrets() {
  return readSettings({
    DATABASE_URL: 'postgres://usher:hidden-database@db/usher?password=hidden-query',
    REDIS_URL: 'redis://:hidden-redis@cache',
    SMTP_URL: 'smtps://usher:hidden-smtp@mail',
    JWT_SECRET: 'hidden-signing,hidden-older-signing',
    ENCRYPTION_KEY,
    SERVICE_TOKENS: 'billing:lookup=hidden-service-0123456789-abcdef',
    TRUST_PROXY: '10.0.0.0/8',
  });
}

function logged(settings: object): string {
  let lines = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines += chunk.toString();
      done();
    },
  });
  const logger = pino(sink);
  logger.info(settings);
  logger.info({ settings });
  return lines;
}

describe('Settings', () => {
  it('Settings returns a secret to code that asks for it by name', () => {
    const settings = withSecrets();
    expect(settings.databaseUrl).toContain('hidden-database');
    expect(settings.redisUrl).toContain('hidden-redis');
    expect(settings.smtpUrl).toContain('hidden-smtp');
    expect(settings.jwtSecrets).toEqual(['hidden-signing', 'hidden-older-signing']);
    expect(settings.serviceTokens.get('billing')?.token).toBe('hidden-service-0123456789-abcdef');
  });

  it.each([
    ['JSON', (settings: object) => JSON.stringify({ settings })],
    ['inspect', (settings: object) => inspect({ settings }, { depth: 9, showHidden: true })],
    ['inspect without its custom output', (settings: object) => inspect(settings, { customInspect: false })],
    ['a spread', (settings: object) => JSON.stringify({ ...settings })],
    ['a log line', logged],
  ])('Settings shows no secret in %s', (_where, print) => {
    const printed = print(withSecrets());
    expect(printed).toContain('databasePoolSize');
    for (const secret of SECRETS) expect(printed).not.toContain(secret);
  });

  it('Settings shows which secrets are set, and where the servers are', () => {
    expect(withSecrets().toJSON()).toMatchObject({
      databaseUrl: 'postgres://usher:[set]@db/usher?[set]',
      redisUrl: 'redis://:[set]@cache',
      smtpUrl: 'smtps://usher:[set]@mail',
      jwtSecrets: '[set]',
      encryptionKeys: '[set]',
      serviceTokens: '[set]',
    });
    expect(JSON.stringify(readSettings({}))).not.toContain('[set]');
  });

  it('Settings is frozen, including its lists', () => {
    const settings = withSecrets();
    const writable = settings as unknown as { port: number; jwtSecrets: string[]; trustProxy: string[] };
    expect(() => (writable.port = 1)).toThrow(TypeError);
    expect(() => (writable.jwtSecrets = ['x'])).toThrow(TypeError);
    expect(() => writable.jwtSecrets.push('x')).toThrow(TypeError);
    expect(() => writable.trustProxy.push('::/1')).toThrow(TypeError);
    expect(settings.trustProxy).toEqual(['10.0.0.0/8']);
  });

  it('Settings shares no list or map with another instance', () => {
    expect(readSettings({}).serviceTokens).not.toBe(readSettings({}).serviceTokens);
    expect(withSecrets().trustProxy).not.toBe(withSecrets().trustProxy);
  });
});
