import { beforeEach, describe, expect, it } from '@jest/globals';
import { type AuditEvent } from '#accounts';
import { networkOf } from '../access/client.js';
import { AuditDeduplicator } from './audit-deduplicator.js';

const HERE = '192.0.2.1';

describe('AuditDeduplicator', () => {
  let nowMs: number;
  let deduplicator: AuditDeduplicator;

  beforeEach(() => {
    nowMs = 60_000;
    deduplicator = new AuditDeduplicator(() => nowMs);
  });

  function isNews(event: Partial<AuditEvent>, address = HERE): boolean {
    const refusal: AuditEvent = {
      action: 'request.refused',
      outcome: 'auth.forbidden',
      actor: { kind: 'anyone' },
      userId: null,
      sessionId: null,
      changes: null,
      address: null,
      device: null,
      requestId: null,
    };
    return deduplicator.isNews({ ...refusal, ...event }, networkOf(address));
  }

  it('AuditDeduplicator does not treat a refused refresh by the OAuth form as a guess', () => {
    const refused = { outcome: 'auth.invalid_grant' };
    expect([
      isNews({ ...refused, action: 'session.opened' }),
      isNews({ ...refused, action: 'session.opened' }),
    ]).toEqual([true, true]);
    expect([
      isNews({ ...refused, action: 'session.refreshed' }),
      isNews({ ...refused, action: 'session.refreshed' }),
    ]).toEqual([true, false]);
  });

  it('AuditDeduplicator records the same refusal from the same network once a minute', () => {
    expect([isNews({}), isNews({}), isNews({ userId: 'another' })]).toEqual([true, false, false]);
    expect(isNews({}, '192.0.2.2')).toBe(true);
    expect(isNews({ outcome: 'auth.too_many_attempts' })).toBe(true);
    expect(isNews({ action: 'admin.user_changed' })).toBe(true);
    expect(isNews({ actor: { kind: 'user', id: 'ada' } })).toBe(true);
    nowMs += 59_999;
    expect(isNews({})).toBe(false);
    nowMs += 2;
    expect(isNews({})).toBe(true);
  });

  it('AuditDeduplicator treats all addresses of one customer as one network', () => {
    expect(isNews({}, '2001:db8:0:1::1')).toBe(true);
    expect(isNews({}, '2001:db8:0:1:ffff::2')).toBe(false);
  });

  it('AuditDeduplicator limits the refusals of all networks together', () => {
    const news = Array.from({ length: 5_000 }, (_, n) => isNews({}, `10.1.${n >> 8}.${n & 255}`));
    expect(news.filter(Boolean)).toHaveLength(600);
    nowMs += 60_001;
    expect(isNews({})).toBe(true);
  });

  it('AuditDeduplicator records each wrong password and each success', () => {
    const wrong = { action: 'session.opened', outcome: 'auth.invalid_credentials' } as const;
    const right = { action: 'session.opened', outcome: 'success' } as const;
    const all = [wrong, wrong, right, right].map((event) => isNews(event));
    expect(all).toEqual([true, true, true, true]);
  });

  it('AuditDeduplicator records a refresh once a day per session and network', () => {
    const refreshed = { action: 'session.refreshed', outcome: 'success', sessionId: 'one' } as const;
    expect([isNews(refreshed), isNews(refreshed)]).toEqual([true, false]);
    expect(isNews({ ...refreshed, sessionId: 'two' })).toBe(true);
    expect(isNews(refreshed, '198.51.100.7')).toBe(true);
    nowMs += 86_400_001;
    expect(isNews(refreshed)).toBe(true);
  });
});
