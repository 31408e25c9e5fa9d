import { type NewSession, type Refresh, type SessionStore } from '#accounts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ADA, aUser, SESSION } from '../../../test/fake-accounts.js';
import { aContext } from '../../../test/fake-request.js';
import { type RequestContext } from '../../access/request-context.js';
import { InvalidCredentials } from '../passwords/errors.js';
import { InvalidRefreshToken } from '../refresh-tokens/errors.js';
import { RefreshTokens } from '../refresh-tokens/refresh-tokens.js';
import { SessionNotFound, SessionsService } from './sessions.service.js';

describe('SessionsService', () => {
  const live = { id: SESSION, counter: 3, expiresAt: new Date(0) };
  const refreshTokens = new RefreshTokens([Buffer.alloc(32, 7)]);
  let opened: NewSession[];
  let isOpened: boolean;
  let ended: unknown[];
  let refresh: Refresh;
  let context: RequestContext;
  let service: SessionsService;

  beforeEach(() => {
    Logger.overrideLogger(false);
    opened = [];
    isOpened = true;
    ended = [];
    refresh = { kind: 'refreshed', session: live, user: aUser() };
    context = aContext();
    const store = {
      open: (session: NewSession) => {
        opened.push(session);
        return Promise.resolve(isOpened ? live : undefined);
      },
      refresh: (id: string, counter: number) => {
        expect([id, counter]).toEqual([SESSION, 3]);
        return Promise.resolve(refresh);
      },
      end: (id: string, userId: string) => {
        ended.push([id, userId]);
        return Promise.resolve(id === SESSION);
      },
      endAll: (userId: string, from: string) => Promise.resolve(void ended.push([userId, from])),
    } as unknown as SessionStore;
    service = new SessionsService(store, refreshTokens);
  });

  const refreshed = (): Promise<unknown> =>
    service.refresh(refreshTokens.issue({ sessionId: SESSION, counter: 3 }), context);

  it('SessionsService opens a session with the address and device of the client, and no more', async () => {
    expect(await service.open(aUser(), 'hash', context)).toEqual({ user: aUser(), session: live });
    expect(opened).toEqual([
      { userId: ADA, verifiedHash: 'hash', address: '203.0.113.7', device: 'A Browser' },
    ]);
    expect(context.audit).toMatchObject({ userId: ADA, sessionId: SESSION });
  });

  it('SessionsService opens no session when the password changed meanwhile', async () => {
    isOpened = false;
    await expect(service.open(aUser(), 'hash', context)).rejects.toThrow(InvalidCredentials);
    expect(context.audit.userId).toBeUndefined();
  });

  it('SessionsService refreshes a session and records it as that', async () => {
    expect(await refreshed()).toMatchObject({ session: live, user: { id: ADA } });
    expect(context.audit).toMatchObject({ action: 'session.refreshed', userId: ADA, sessionId: SESSION });
  });

  it('SessionsService refuses a forged refresh token without asking the store', async () => {
    await expect(service.refresh('forged', context)).rejects.toThrow(InvalidRefreshToken);
    expect([context.audit.action, context.audit.sessionId]).toEqual(['session.refreshed', undefined]);
  });

  it('SessionsService refuses a reused refresh token and records the reuse with its user', async () => {
    refresh = { kind: 'reused', userId: ADA };
    await expect(refreshed()).rejects.toThrow(InvalidRefreshToken);
    expect(context.audit).toMatchObject({ userId: ADA, consequences: ['session.reuse_detected'] });
  });

  it('SessionsService refuses a refresh token of an ended session and names only the session', async () => {
    refresh = { kind: 'over' };
    await expect(refreshed()).rejects.toThrow(InvalidRefreshToken);
    expect(context.audit.userId).toBeUndefined();
    expect(context.audit).toMatchObject({ sessionId: SESSION, consequences: [] });
  });

  it('SessionsService revokes a session, and reports one that there is not', async () => {
    await service.revoke(SESSION, ADA);
    await expect(service.revoke('another', ADA)).rejects.toThrow(SessionNotFound);
    expect(ended).toEqual([
      [SESSION, ADA],
      ['another', ADA],
    ]);
  });

  it('SessionsService ends a session silently if it is over, and all others from a session', async () => {
    await service.end('another', ADA);
    await service.endAllFrom(SESSION, ADA);
    expect(ended).toEqual([
      ['another', ADA],
      [ADA, SESSION],
    ]);
  });
});
