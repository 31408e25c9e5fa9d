import { describe, expect, it } from '@jest/globals';
import { NoServerMetadata, ServerMetadata } from './server-metadata.controller.js';

const SETTINGS = { jwtSecrets: [], docs: true };

describe('ServerMetadata', () => {
  it.each([
    ['https://auth.example.com', 'https://auth.example.com/auth/token'],
    ['https://auth.example.com/', 'https://auth.example.com/auth/token'],
    ['https://example.com/accounts', 'https://example.com/accounts/auth/token'],
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000/auth/token'],
  ])('ServerMetadata keeps the issuer %s as it is, and has endpoints below it', (jwtIssuer, endpoint) => {
    const metadata = ServerMetadata.of({ ...SETTINGS, jwtIssuer });
    expect([metadata.issuer, metadata.token_endpoint]).toEqual([jwtIssuer, endpoint]);
  });

  it.each([
    'usher',
    'urn:usher',
    'ftp://auth.example.com',
    'https://auth.example.com/?x',
    'https://auth.example.com/?',
    'https://auth.example.com/#x',
    'https://a:b@auth.example.com',
  ])('ServerMetadata is not made for the issuer %s', (jwtIssuer) => {
    expect(() => ServerMetadata.of({ ...SETTINGS, jwtIssuer })).toThrow(NoServerMetadata);
  });

  it('ServerMetadata names neither keys where a secret signs, nor pages that are turned off', () => {
    const metadata = ServerMetadata.of({
      jwtIssuer: 'https://auth.example.com',
      jwtSecrets: ['secret'],
      docs: false,
    });
    expect(metadata).not.toHaveProperty('jwks_uri');
    expect(metadata).not.toHaveProperty('service_documentation');
  });
});
