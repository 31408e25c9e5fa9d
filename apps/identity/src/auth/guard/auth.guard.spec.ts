import { type CachedPersonalToken } from '#accounts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { ADA, anAdmin, aUser, SESSION } from '../../../test/fake-accounts.js';
import { FakeReply } from '../../../test/fake-request.js';
import { type Access, ACCESS, ROLES, SCOPE } from '../../access/access.js';
import {
  type AccessClaims,
  type Authentication,
  type PersonalTokenPrincipal,
  type ServicePrincipal,
  type SessionPrincipal,
} from '../../access/principal.js';
import { type BadTokens } from '../../rate-limits/bad-tokens.js';
import { type AccessTokenAuthenticator } from '../access-tokens/authenticator.js';
import { InvalidToken } from '../access-tokens/errors.js';
import { type PersonalTokenAuthenticator } from '../personal-tokens/authenticator.js';
import { type ServiceTokenAuthenticator } from '../service-tokens/authenticator.js';
import { InvalidClient } from '../service-tokens/errors.js';
import { AuthGuard } from './auth.guard.js';

const CLAIMS: AccessClaims = { userId: ADA, sessionId: SESSION, issuedAt: 0, expiresAt: 1, tokenId: 'one' };

/** What a request may send, and what the access levels make of it. */
const SENT = {
  nothing: undefined,
  user: 'Bearer user',
  admin: 'Bearer admin',
  'token with the scope': 'Bearer usher_pat_reader',
  'token without it': 'Bearer usher_pat_other',
  "administrator's token": 'Bearer usher_pat_admin',
  'service with the privilege': 'Bearer finder',
  'service without it': 'Bearer gateway',
} as const;

const OK = 'ok';
const MISSING = 'auth.missing_token';
const FORBIDDEN = 'auth.forbidden';
const SCOPED = 'auth.insufficient_scope';

/** In the order of `SENT`. */
const EXPECTED: Record<Access, readonly string[]> = {
  anyone: [OK, OK, OK, OK, OK, OK, OK, OK],
  'anyone, known or not': [OK, OK, OK, OK, SCOPED, OK, OK, OK],
  'token holder': [MISSING, OK, OK, OK, SCOPED, OK, 'auth.invalid_token', 'auth.invalid_token'],
  user: [MISSING, OK, OK, OK, SCOPED, OK, FORBIDDEN, FORBIDDEN],
  admin: [MISSING, FORBIDDEN, OK, FORBIDDEN, SCOPED, OK, FORBIDDEN, FORBIDDEN],
  'admin or service': [MISSING, FORBIDDEN, OK, FORBIDDEN, SCOPED, OK, OK, FORBIDDEN],
  service: [MISSING, FORBIDDEN, FORBIDDEN, FORBIDDEN, SCOPED, FORBIDDEN, OK, FORBIDDEN],
};

describe('AuthGuard', () => {
  let counted: number;
  let uses: string[];
  let reads: boolean[];
  let reply: FakeReply;
  let guard: AuthGuard;

  beforeEach(() => {
    counted = 0;
    uses = [];
    reads = [];
    reply = new FakeReply();
    const badTokens = { count: () => Promise.resolve(void counted++) } as unknown as BadTokens;
    guard = new AuthGuard(new Reflector(), accessTokens, personalTokens, serviceTokens, badTokens);
  });

  const accessTokens = {
    verify: (token: string) =>
      ['user', 'admin', 'ended'].includes(token)
        ? Promise.resolve(CLAIMS)
        : Promise.reject(new InvalidToken(token === 'expired' ? 'expired' : 'malformed')),
    authenticate: async (token: string, { truth = false }): Promise<Authentication<SessionPrincipal>> => {
      await accessTokens.verify(token);
      reads.push(truth);
      const user = token === 'admin' ? anAdmin() : aUser({ roles: ['editor'] });
      const value = { kind: 'user', user, sessionId: SESSION, claims: CLAIMS } as const;
      return { value: token === 'ended' ? null : value, origin: 'memory' };
    },
  } as unknown as AccessTokenAuthenticator;

  const personalTokens = {
    authenticate: (text: string, { truth = false }): Promise<Authentication<PersonalTokenPrincipal>> => {
      reads.push(truth);
      const scopes = text === 'usher_pat_other' ? ['profile:write'] : ['users:read'];
      const token = { id: text, scopes } as unknown as CachedPersonalToken;
      const user = text === 'usher_pat_admin' ? anAdmin() : aUser();
      const value = { kind: 'user', user, sessionId: undefined, token } as const;
      return Promise.resolve({ value: text === 'usher_pat_revoked' ? null : value, origin: 'redis' });
    },
    recordUse: ({ token }: PersonalTokenPrincipal) => void uses.push(token.id),
  } as unknown as PersonalTokenAuthenticator;

  const services: Record<string, ServicePrincipal> = {
    finder: { kind: 'service', name: 'finder', privileges: new Set(['lookup']) },
    gateway: { kind: 'service', name: 'gateway', privileges: new Set(['login']) },
  };
  const serviceTokens = {
    authenticate: (token: string) => services[token],
    authenticateBasic: ({ headers }: FastifyRequest) => {
      if (headers.authorization !== 'Basic finder') throw new InvalidClient();
      return services.finder;
    },
  } as ServiceTokenAuthenticator;

  interface Call {
    authorization?: string | undefined;
    method?: string;
    /** On the handler; of the class otherwise. */
    metadata?: Record<string, unknown>;
    ofClass?: Record<string, unknown>;
    config?: object;
    /** Inherited from another controller. */
    handler?: () => void;
  }

  function aRequest({ authorization, method = 'GET', config }: Call): FastifyRequest {
    return {
      method,
      headers: authorization === undefined ? {} : { authorization },
      remoteAddress: '203.0.113.7',
      routeOptions: { config: config ?? { privilege: 'lookup' } },
    } as unknown as FastifyRequest;
  }

  function enter(call: Call, request = aRequest(call)): Promise<string> {
    const { handler = (): void => undefined } = call;
    class Controller {}
    for (const [key, value] of Object.entries(call.metadata ?? {}))
      Reflect.defineMetadata(key, value, handler);
    for (const [key, value] of Object.entries(call.ofClass ?? {}))
      Reflect.defineMetadata(key, value, Controller);
    const context = {
      getHandler: () => handler,
      getClass: () => Controller,
      switchToHttp: () => ({ getRequest: () => request, getResponse: (): FastifyReply => reply.reply }),
    } as unknown as ExecutionContext;
    return guard.canActivate(context).then(
      (isOpen) => (isOpen ? OK : 'closed'),
      (error: unknown) => (error as { code: string }).code,
    );
  }

  const cases = Object.entries(EXPECTED).flatMap(([access, outcomes]) =>
    Object.keys(SENT).map((sent, i) => [access, sent, outcomes[i]!] as const),
  );

  it.each(cases)('AuthGuard opens a route for %s to %s: %s', async (access, sent, outcome) => {
    const authorization = SENT[sent as keyof typeof SENT];
    const metadata = { [ACCESS]: access, [SCOPE]: 'users:read' };
    expect(await enter({ authorization, metadata })).toBe(outcome);
  });

  it('AuthGuard requires a user where nothing is declared', async () => {
    expect(await enter({})).toBe(MISSING);
    expect(await enter({ authorization: SENT.user })).toBe(OK);
  });

  it('AuthGuard takes the declaration of the method before that of the class', async () => {
    const ofClass = { [ACCESS]: 'admin' };
    expect(await enter({ authorization: SENT.user, ofClass })).toBe(FORBIDDEN);
    expect(await enter({ authorization: SENT.user, ofClass, metadata: { [ACCESS]: 'user' } })).toBe(OK);
  });

  it('AuthGuard keeps controllers apart that inherit one handler', async () => {
    const handler = (): void => undefined;
    const authorization = SENT.user;
    expect(await enter({ handler, authorization, ofClass: { [ACCESS]: 'user' } })).toBe(OK);
    expect(await enter({ handler, authorization, ofClass: { [ACCESS]: 'admin' } })).toBe(FORBIDDEN);
    expect(await enter({ handler, authorization, ofClass: { [ACCESS]: 'anyone' } })).toBe(OK);
  });

  it('AuthGuard closes a route without a scope to every personal token', async () => {
    expect(await enter({ authorization: SENT['token with the scope'] })).toBe(SCOPED);
  });

  it.each([
    ['user', OK],
    ['admin', FORBIDDEN],
    ['finder', FORBIDDEN],
  ])('AuthGuard opens a route for editors to %s: %s', async (token, outcome) => {
    const metadata = { [ACCESS]: 'anyone, known or not', [ROLES]: ['editor', 'author'] };
    expect(await enter({ authorization: `Bearer ${token}`, metadata })).toBe(outcome);
  });

  it('AuthGuard closes a route for services that names no privilege', async () => {
    const metadata = { [ACCESS]: 'service' };
    expect(await enter({ authorization: 'Bearer finder', metadata, config: {} })).toBe(FORBIDDEN);
  });

  it.each([
    ['Basic finder', true, OK],
    ['Basic other', true, 'auth.invalid_client'],
    ['Basic finder', false, MISSING],
  ])('AuthGuard takes %s where takesBasic is %s: %s', async (authorization, takesBasic, outcome) => {
    const config = { privilege: 'lookup', takesBasic };
    expect(await enter({ authorization, metadata: { [ACCESS]: 'service' }, config })).toBe(outcome);
  });

  it.each([
    ['GET', false],
    ['HEAD', false],
    ['POST', true],
    ['DELETE', true],
  ])('AuthGuard reads the user of a %s with truth %s', async (method, truth) => {
    await enter({ authorization: SENT.user, method });
    await enter({ authorization: SENT['token with the scope'], method, metadata: { [SCOPE]: 'users:read' } });
    expect(reads).toEqual([truth, truth]);
  });

  it('AuthGuard says where the answer came from, also when it refuses', async () => {
    expect(await enter({ authorization: 'Bearer ended' })).toBe('auth.token_revoked');
    expect(reply.headers.get('x-cache')).toBe('memory');
    expect(await enter({ authorization: 'Bearer usher_pat_revoked' })).toBe('auth.invalid_token');
    expect(reply.headers.get('x-cache')).toBe('redis');
  });

  it('AuthGuard sets the principal on the request, and only the claims for token holders', async () => {
    const [known, holder] = [aRequest({ authorization: SENT.user }), aRequest({ authorization: SENT.user })];
    await enter({}, known);
    await enter({ metadata: { [ACCESS]: 'token holder' } }, holder);
    expect([known.principal?.kind, known.claims]).toEqual(['user', undefined]);
    expect([holder.principal, holder.claims]).toEqual([undefined, CLAIMS]);
  });

  it('AuthGuard records the use of a personal token, and its principal, even if the scope is missing', async () => {
    const request = aRequest({ authorization: SENT['token without it'] });
    expect(await enter({}, request)).toBe(SCOPED);
    expect([uses, request.principal?.kind]).toEqual([['usher_pat_other'], 'user']);
  });

  it.each([
    ['forged', 'auth.invalid_token', 1],
    ['ended', 'auth.token_revoked', 1],
    ['usher_pat_revoked', 'auth.invalid_token', 1],
    ['expired', 'auth.invalid_token', 0],
    ['finder', FORBIDDEN, 0],
    ['usher_pat_other', SCOPED, 0],
  ])('AuthGuard refuses the token %s with %s and counts %d bad ones', async (token, code, bad) => {
    expect(await enter({ authorization: `Bearer ${token}` })).toBe(code);
    expect(counted).toBe(bad);
  });
});
