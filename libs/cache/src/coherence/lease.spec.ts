import { beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../test/fake-clock.js';
import { Lease } from './lease.js';

describe('Lease', () => {
  let clock: FakeClock;
  let lease: Lease;

  beforeEach(() => {
    clock = new FakeClock();
    lease = new Lease(1_000, clock);
  });

  it('Lease does not hold before the first poll, however long the grace is', () => {
    expect(lease.holds()).toBe(false);
    expect(lease.ageMs()).toBe(Infinity);
    expect(lease.heldWithin(1e12)).toBe(false);
  });

  it('Lease holds for Δ from the moment before the poll was sent', () => {
    const sentAt = lease.now();
    clock.advance(300);
    lease.renew(sentAt);
    expect(lease.ageMs()).toBe(300);
    clock.advance(700);
    expect(lease.holds()).toBe(true);
    clock.advance(0.001);
    expect(lease.holds()).toBe(false);
  });

  it('Lease is not renewed by a poll that took longer than Δ', () => {
    const sentAt = lease.now();
    clock.advance(1_001);
    lease.renew(sentAt);
    expect(lease.holds()).toBe(false);
  });

  it('Lease is not set back by a poll that was sent earlier than the last', () => {
    const early = lease.now();
    clock.advance(600);
    lease.renew(lease.now());
    lease.renew(early);
    expect(lease.ageMs()).toBe(0);
  });

  it('Lease runs out while the machine sleeps, which the monotonic clock does not count', () => {
    lease.renew(lease.now());
    clock.jump(60_000);
    expect(lease.holds()).toBe(false);
  });

  it('Lease is not prolonged when the wall clock is set back', () => {
    lease.renew(lease.now());
    clock.jump(-3_600_000);
    clock.advance(1_001);
    expect(lease.holds()).toBe(false);
  });

  it('Lease holds again with the next poll after the wall clock was set', () => {
    for (const ms of [3_600_000, -7_200_000]) {
      clock.jump(ms);
      lease.renew(lease.now());
      expect(lease.holds()).toBe(true);
    }
  });

  it('Lease is revoked at once, and not renewed by a poll that was sent before', () => {
    lease.renew(lease.now());
    const sentBefore = lease.now();
    clock.advance(1);
    lease.revoke();
    expect(lease.holds()).toBe(false);
    lease.renew(sentBefore);
    expect(lease.holds()).toBe(false);
    lease.renew(lease.now());
    expect(lease.holds()).toBe(true);
  });

  it('Lease gives grace when it ran out, and none when it was revoked', () => {
    lease.renew(lease.now());
    clock.advance(60_000);
    expect(lease.heldWithin(59_000)).toBe(true);
    expect(lease.heldWithin(58_999)).toBe(false);
    lease.revoke();
    expect(lease.heldWithin(1e12)).toBe(false);
  });
});
