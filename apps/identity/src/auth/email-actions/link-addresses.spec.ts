import { readSettings } from '#config';
import { describe, expect, it } from '@jest/globals';
import { type HttpAdapterHost } from '@nestjs/core';
import { LinkAddresses } from './link-addresses.js';

function addressesOf(env: NodeJS.ProcessEnv, listening?: object): LinkAddresses {
  const httpAdapter = { getHttpServer: () => ({ address: () => listening ?? null }) };
  return new LinkAddresses(readSettings(env), { httpAdapter } as unknown as HttpAdapterHost);
}

describe('LinkAddresses', () => {
  it('link addresses are below APP_URL, with the token where browsers keep it to themselves', () => {
    const addresses = addressesOf({ APP_URL: 'https://app.example.com/account/' }, { port: 4000 });
    expect(addresses.of('verify_email', 't')).toBe('https://app.example.com/account/verify-email#token=t');
    expect(addresses.of('reset_password', 't')).toBe(
      'https://app.example.com/account/reset-password#token=t',
    );
    expect(addresses.of('change_email', 't')).toBe('https://app.example.com/account/confirm-email#token=t');
  });

  it.each([
    [{}, 'http://127.0.0.1:4000'],
    [{ HOST: 'usher.internal' }, 'http://usher.internal:4000'],
    [{ HOST: '::1' }, 'http://[::1]:4000'],
    [{ HOST: '0.0.0.0' }, 'http://localhost:4000'],
    [{ HOST: '::' }, 'http://localhost:4000'],
  ])('link addresses are our own without it, by the settings %j', (env, own) => {
    expect(addressesOf({ ...env, PORT: '0' }, { port: 4000 }).of('verify_email', 't')).toBe(
      `${own}/verify-email#token=t`,
    );
  });

  it('link addresses name the port of the settings where nothing listens yet', () => {
    expect(addressesOf({ PORT: '3001' }).of('verify_email', 't')).toMatch(/^http:\/\/127\.0\.0\.1:3001\//);
  });
});
