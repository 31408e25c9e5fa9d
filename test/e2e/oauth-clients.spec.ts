import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import { aUser, bearer, PASSWORD, type TestUser } from '../support/app/users.js';
import { TestApp } from '../support/app/test-app.js';

const ISSUER = 'https://auth.example.com';
const SERVICE_TOKEN = `${randomBytes(24).toString('base64')}+/==`;

/** As a client library that knows nothing of Usher uses it. */
describe('OAuth client library', () => {
  let usher: TestApp;
  let server: oauth.AuthorizationServer;
  let ada: TestUser;
  const gateway: oauth.Client = { client_id: 'gateway' };
  const authentication = oauth.ClientSecretBasic(SERVICE_TOKEN);

  /** To the issuer's address, as a proxy passes it on. */
  const through = {
    [oauth.customFetch]: (url: string, options: object): Promise<globalThis.Response> => {
      expect(url).toMatch(/^https:\/\/auth\.example\.com\//);
      return fetch(usher.url + url.slice(ISSUER.length), options);
    },
  };

  beforeAll(async () => {
    usher = await TestApp.start({
      env: { JWT_ISSUER: ISSUER, SERVICE_TOKENS: `gateway:introspect+revoke=${SERVICE_TOKEN}` },
    });
    ada = await aUser(usher, { username: 'ada' });
    const issuer = new URL(ISSUER);
    server = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...through }),
    );
  });

  afterAll(async () => {
    await usher.stop();
  });

  async function introspect(token: string, as = authentication): Promise<oauth.IntrospectionResponse> {
    const answer = await oauth.introspectionRequest(server, gateway, as, token, through);
    return oauth.processIntrospectionResponse(server, gateway, answer);
  }

  async function grant(parameters: Record<string, string>): Promise<oauth.TokenEndpointResponse> {
    const { grant_type, ...more } = parameters;
    const answer = await oauth.genericTokenEndpointRequest(
      server,
      gateway,
      oauth.None(),
      grant_type!,
      more,
      through,
    );
    return oauth.processGenericTokenEndpointResponse(server, gateway, answer);
  }

  const login = (password = PASSWORD): Promise<oauth.TokenEndpointResponse> =>
    grant({ grant_type: 'password', username: 'ada', password });

  it('OAuth client discovers the endpoints from the issuer', () => {
    expect(server).toEqual({
      issuer: ISSUER,
      token_endpoint: `${ISSUER}/auth/token`,
      jwks_uri: `${ISSUER}/.well-known/jwks.json`,
      response_types_supported: [],
      grant_types_supported: ['password', 'refresh_token'],
      token_endpoint_auth_methods_supported: ['none'],
      introspection_endpoint: `${ISSUER}/auth/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'Bearer'],
      revocation_endpoint: `${ISSUER}/auth/revoke`,
      revocation_endpoint_auth_methods_supported: ['client_secret_basic'],
      service_documentation: `${ISSUER}/docs`,
    });
  });

  it('OAuth client logs in, refreshes, and reads errors', async () => {
    const { access_token, refresh_token } = await login();
    await usher.http.get('/auth/me').set(bearer(access_token)).expect(200);
    const next = await grant({ grant_type: 'refresh_token', refresh_token: refresh_token! });
    expect(next.refresh_token).not.toBe(refresh_token);

    await expect(login('wrong')).rejects.toMatchObject({
      name: 'ResponseBodyError',
      error: 'invalid_grant',
      error_description: expect.stringContaining('no active account'),
      status: 400,
    });
    await expect(grant({ grant_type: 'client_credentials' })).rejects.toMatchObject({
      error: 'unsupported_grant_type',
    });
  });

  it('OAuth client introspects and revokes a token', async () => {
    const { access_token } = await login();
    expect(await introspect(access_token)).toMatchObject({
      active: true,
      iss: ISSUER,
      sub: ada.id,
      username: 'ada',
      email_verified: false,
      token_type: 'Bearer',
    });
    const answer = await oauth.revocationRequest(server, gateway, authentication, access_token, through);
    await oauth.processRevocationResponse(answer);
    expect(await introspect(access_token)).toEqual({ active: false });
  });

  it('OAuth client with a wrong secret is told the authentication methods', async () => {
    const refused = introspect(ada.token, oauth.ClientSecretBasic('wrong'));
    await expect(refused).rejects.toMatchObject({
      name: 'WWWAuthenticateChallengeError',
      status: 401,
      cause: [
        { scheme: 'basic', parameters: { realm: 'usher' } },
        { scheme: 'bearer', parameters: {} },
      ],
    });
  });
});
