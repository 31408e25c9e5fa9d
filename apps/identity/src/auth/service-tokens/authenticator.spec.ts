import { readSettings } from '#config';
import { describe, expect, it } from '@jest/globals';
import { type FastifyRequest } from 'fastify';
import { ServiceTokens } from '../../access/service-tokens.js';
import { ServiceTokenAuthenticator } from './authenticator.js';
import { InvalidClient } from './errors.js';

const TOKEN = 'Zk3v9QpL0aWx7RtY2mNc5BsD8fGh1JuE';

describe('ServiceTokenAuthenticator', () => {
  const settings = readSettings({ SERVICE_TOKENS: `finder:lookup=${TOKEN}` });
  const authenticator = new ServiceTokenAuthenticator(new ServiceTokens(settings));
  const finder = { kind: 'service', name: 'finder', privileges: new Set(['lookup']) };

  function basic(credentials: string): FastifyRequest {
    const encoded = Buffer.from(credentials).toString('base64');
    return { headers: { authorization: `Basic ${encoded}` } } as FastifyRequest;
  }

  it('ServiceTokenAuthenticator finds a service by its bearer token', () => {
    expect(authenticator.authenticate(TOKEN)).toEqual(finder);
  });

  it.each(['', 'finder', `${TOKEN} `, TOKEN.toLowerCase()])(
    'ServiceTokenAuthenticator finds no service by %j',
    (token) => {
      expect(authenticator.authenticate(token)).toBeUndefined();
    },
  );

  it.each([`finder:${TOKEN}`, `f%69nder:${TOKEN}`])(
    'ServiceTokenAuthenticator finds a service by HTTP Basic %j',
    (credentials) => {
      expect(authenticator.authenticateBasic(basic(credentials))).toEqual(finder);
    },
  );

  it.each([`other:${TOKEN}`, 'finder:wrong', TOKEN, ''])(
    'ServiceTokenAuthenticator refuses HTTP Basic %j',
    (credentials) => {
      expect(() => authenticator.authenticateBasic(basic(credentials))).toThrow(InvalidClient);
    },
  );
});
