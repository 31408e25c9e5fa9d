import {
  type CachedPersonalToken,
  type PersonalTokenStore,
  type ReadOptions,
  type SessionStanding,
  type SessionStore,
} from '#accounts';
import { readSettings } from '#config';
import { DatabaseUnavailable } from '#database';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ADA, aUser, SESSION } from '../../../test/fake-accounts.js';
import { aTrace, FakeReply } from '../../../test/fake-request.js';
import { type AccessClaims, type PersonalTokenPrincipal } from '../../access/principal.js';
import { type AccessTokenAuthenticator } from '../access-tokens/authenticator.js';
import { InvalidToken } from '../access-tokens/errors.js';
import { type PersonalTokenAuthenticator } from '../personal-tokens/authenticator.js';
import { makePersonalToken } from '../personal-tokens/text.js';
import { RefreshTokens } from '../refresh-tokens/refresh-tokens.js';
import { PresentedTokens } from './presented-tokens.js';
import { TokenIntrospection } from './token-introspection.js';
import { TokenRevocation } from './token-revocation.js';

const CLAIMS: AccessClaims = {
  userId: ADA,
  sessionId: SESSION,
  issuedAt: 1_700_000_000_000,
  expiresAt: 1_700_000_900_000,
  tokenId: 'one',
};
const USER = { sub: ADA, username: 'ada', email_verified: true, roles: ['editor'] };
const JWT = 'a.good.token';

describe('Introspection and revocation', () => {
  const refreshTokens = new RefreshTokens([Buffer.alloc(32, 7)]);
  const refreshToken = refreshTokens.issue({ sessionId: SESSION, counter: 3 });
  const { id, text } = makePersonalToken();
  const user = aUser({ roles: ['editor'] });
  const token = { id, scopes: ['profile:read', 'users:read'], createdAtMs: 1_999, expiresAtMs: 5_001 };
  let isGood: boolean;
  let standing: SessionStanding | undefined;
  let failure: Error | undefined;
  let reads: ReadOptions[];
  let ended: unknown[];
  let reply: FakeReply;
  let introspection: TokenIntrospection;
  let revocation: TokenRevocation;

  beforeEach(() => {
    isGood = true;
    standing = { user, issuedAt: new Date(1_999), expiresAt: new Date(5_001) };
    failure = undefined;
    reads = [];
    ended = [];
    reply = new FakeReply();
    const answer = <V>(value: V, options: ReadOptions): Promise<unknown> => {
      reads.push(options);
      return failure
        ? Promise.reject(failure)
        : Promise.resolve({ value: isGood ? value : null, origin: 'redis' });
    };
    const accessTokens = {
      verify: (text: string) =>
        text === JWT ? Promise.resolve(CLAIMS) : Promise.reject(new InvalidToken('malformed')),
      authenticateClaims: (claims: AccessClaims, options: ReadOptions) =>
        answer({ kind: 'user', user, sessionId: SESSION, claims }, options),
    } as unknown as AccessTokenAuthenticator;
    const principal: PersonalTokenPrincipal = {
      kind: 'user',
      user,
      sessionId: undefined,
      token: token as unknown as CachedPersonalToken,
    };
    const personalTokens = {
      authenticate: (_text: string, options: ReadOptions) => answer(principal, options),
    } as unknown as PersonalTokenAuthenticator;
    const sessions = {
      standing: (session: string, counter: number) => {
        expect([session, counter]).toEqual([SESSION, 3]);
        return Promise.resolve(standing);
      },
      endById: (session: string) => Promise.resolve(ended.push(session) && ADA),
    } as unknown as SessionStore;
    const store = {
      end: (...of: string[]) => Promise.resolve(ended.push(of) > 0),
    } as unknown as PersonalTokenStore;
    const presented = new PresentedTokens(accessTokens, refreshTokens);
    const settings = readSettings({ JWT_ISSUER: 'usher', JWT_AUDIENCE: 'shop' });
    introspection = new TokenIntrospection(presented, accessTokens, personalTokens, sessions, settings);
    revocation = new TokenRevocation(presented, sessions, personalTokens, store);
  });

  it('introspection tells the claims of an access token and of its user', async () => {
    expect(await introspection.introspect(JWT, aTrace(reply))).toEqual({
      active: true,
      token_use: 'access_token',
      token_type: 'Bearer',
      ...USER,
      iss: 'usher',
      aud: 'shop',
      exp: 1_700_000_900,
      iat: 1_700_000_000,
      jti: 'one',
      sid: SESSION,
    });
    expect(reply.headers.get('x-cache')).toBe('redis');
  });

  it('introspection tells the scopes and times of a personal token', async () => {
    expect(await introspection.introspect(text, aTrace())).toEqual({
      active: true,
      token_use: 'personal_access_token',
      token_type: 'Bearer',
      scope: 'profile:read users:read',
      ...USER,
      iss: 'usher',
      exp: 5,
      iat: 1,
      jti: id,
    });
  });

  it('introspection tells the session of a refresh token, from PostgreSQL', async () => {
    expect(await introspection.introspect(refreshToken, aTrace(reply))).toEqual({
      active: true,
      token_use: 'refresh_token',
      ...USER,
      iss: 'usher',
      exp: 5,
      iat: 1,
      sid: SESSION,
    });
    expect(reply.headers.get('x-cache')).toBe('postgres');
  });

  it('introspection does not tell when a replaced refresh token was issued', async () => {
    standing = { user, issuedAt: undefined, expiresAt: new Date(5_001) };
    expect(await introspection.introspect(refreshToken, aTrace())).not.toHaveProperty('iat');
  });

  it('introspection names a user without a username by email', async () => {
    standing = { ...standing!, user: aUser({ username: null }) };
    expect(await introspection.introspect(refreshToken, aTrace())).toMatchObject({
      username: 'ada@example.com',
    });
  });

  it.each([
    ['a forged token', 'forged'],
    ['malformed text of a personal token', 'usher_pat_x'],
    ['an access token that is no longer good', JWT],
    ['a personal token that is no longer good', text],
    ['a refresh token that is no longer good', refreshToken],
  ])('introspection tells nothing about %s, not even where it looked', async (_, presented) => {
    isGood = false;
    standing = undefined;
    expect(await introspection.introspect(presented, aTrace(reply))).toEqual({ active: false });
    expect([...reply.headers]).toEqual([]);
  });

  it.each([JWT, text])('introspection fails while PostgreSQL is out of reach', async (presented) => {
    failure = new DatabaseUnavailable(new Error('refused'));
    await expect(introspection.introspect(presented, aTrace())).rejects.toBe(failure);
  });

  it.each([JWT, refreshToken])(
    'revocation ends the session of an access or refresh token',
    async (presented) => {
      isGood = false; // whether it is still good is not asked
      expect(await revocation.revoke(presented)).toBe(ADA);
      expect(ended).toEqual([SESSION]);
    },
  );

  it('revocation ends a personal token alone, after asking PostgreSQL', async () => {
    expect(await revocation.revoke(text)).toBe(ADA);
    expect([ended, reads]).toEqual([[[id, ADA]], [{ truth: true }]]);
  });

  it.each(['forged', 'usher_pat_x', text])(
    'revocation ends nothing for a token that is not good',
    async (presented) => {
      isGood = false;
      expect(await revocation.revoke(presented)).toBeUndefined();
      expect(ended).toEqual([]);
    },
  );
});
