import { Clock } from '../clock.js';
import { describe, expect, it } from '@jest/globals';
import { LookupStatistics } from './lookup-statistics.js';

const MINUTE = 60_000;

class HeldClock extends Clock {
  ms = 12_345;

  override monotonicMs(): number {
    return this.ms;
  }

  override wallMs(): number {
    return this.ms;
  }
}

describe('LookupStatistics', () => {
  it('counts by origin, and adds up what hits and misses took', () => {
    const statistics = new LookupStatistics(new HeldClock());
    statistics.lookup('memory', 1, 'a');
    statistics.lookup('redis', 2, 'a');
    statistics.lookup('stale', 3, 'b');
    statistics.lookup('postgres', 10, 'b');
    statistics.lookup('bypass', 20, undefined);
    statistics.failure();
    statistics.invalidation(3);
    const counts = {
      ...{ memory: 1, redis: 1, stale: 1, postgres: 1, bypass: 1, failed: 1, invalidations: 3 },
      ...{ hitMs: 6, missMs: 30 },
    };
    expect(statistics.sinceStart().counts).toEqual(counts);
    expect(statistics.lastHour().counts).toEqual(counts);
  });

  it('forgets after an hour in the one view, and never in the other', () => {
    const clock = new HeldClock();
    const statistics = new LookupStatistics(clock);
    statistics.lookup('memory', 1, 'early');
    clock.ms += 59 * MINUTE;
    statistics.lookup('memory', 1, 'late');
    expect(statistics.lastHour()).toMatchObject({ spanMs: 59 * MINUTE, counts: { memory: 2 } });
    clock.ms += MINUTE;
    expect(statistics.lastHour()).toMatchObject({
      spanMs: 60 * MINUTE,
      counts: { memory: 1 },
      mostRead: [{ key: 'late', reads: 1 }],
    });
    clock.ms += 60 * MINUTE;
    expect(statistics.lastHour()).toMatchObject({ counts: { memory: 0 }, mostRead: [] });
    expect(statistics.sinceStart()).toMatchObject({ spanMs: 120 * MINUTE, counts: { memory: 2 } });
  });

  it('names the most-read users, most read first, ten of them', () => {
    const clock = new HeldClock();
    const statistics = new LookupStatistics(clock);
    for (let user = 1; user <= 12; user++) {
      for (let read = 0; read < user; read++) {
        statistics.lookup('memory', 0, `user ${user}`);
        if (read === 5) clock.ms += MINUTE; // counts of one user from several minutes are one count
      }
    }
    const ranking = Array.from({ length: 10 }, (_, i) => ({ key: `user ${12 - i}`, reads: 12 - i }));
    expect(statistics.sinceStart().mostRead).toEqual(ranking);
    expect(statistics.lastHour().mostRead).toEqual(ranking);
  });

  it('does not let a crowd of users seen once push out those who are read much', () => {
    const statistics = new LookupStatistics(new HeldClock());
    for (let n = 0; n < 50; n++) statistics.lookup('memory', 0, 'regular');
    for (let n = 0; n < 10_000; n++) statistics.lookup('memory', 0, `passer-by ${n}`);
    expect(statistics.sinceStart().mostRead[0]).toEqual({ key: 'regular', reads: 50 });
    expect(statistics.lastHour().mostRead[0]).toEqual({ key: 'regular', reads: 50 });
  });
});
