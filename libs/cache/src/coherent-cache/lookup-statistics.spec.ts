import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../test/fake-clock.js';
import { LookupStatistics } from './lookup-statistics.js';

const MINUTE = 60_000;

describe('LookupStatistics', () => {
  it('LookupStatistics counts by origin, and sums the times of hits and misses', () => {
    const statistics = new LookupStatistics(new FakeClock());
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

  it('LookupStatistics drops counts after an hour from lastHour(), and never from sinceStart()', () => {
    const clock = new FakeClock();
    const statistics = new LookupStatistics(clock);
    statistics.lookup('memory', 1, 'early');
    clock.advance(59 * MINUTE);
    statistics.lookup('memory', 1, 'late');
    expect(statistics.lastHour()).toMatchObject({ spanMs: 59 * MINUTE, counts: { memory: 2 } });
    clock.advance(MINUTE);
    expect(statistics.lastHour()).toMatchObject({
      spanMs: 60 * MINUTE,
      counts: { memory: 1 },
      mostRead: [{ key: 'late', reads: 1 }],
    });
    clock.advance(60 * MINUTE);
    expect(statistics.lastHour()).toMatchObject({ counts: { memory: 0 }, mostRead: [] });
    expect(statistics.sinceStart()).toMatchObject({ spanMs: 120 * MINUTE, counts: { memory: 2 } });
  });

  it('LookupStatistics lists the ten most-read keys, most read first', () => {
    const clock = new FakeClock();
    const statistics = new LookupStatistics(clock);
    for (let id = 1; id <= 12; id++) {
      for (let read = 0; read < id; read++) {
        statistics.lookup('memory', 0, `key ${id}`);
        if (read === 5) clock.advance(MINUTE); // counts of one key from several minutes are one count
      }
    }
    const ranking = Array.from({ length: 10 }, (_, i) => ({ key: `key ${12 - i}`, reads: 12 - i }));
    expect(statistics.sinceStart().mostRead).toEqual(ranking);
    expect(statistics.lastHour().mostRead).toEqual(ranking);
  });

  it('LookupStatistics keeps the most-read keys among thousands that are read once', () => {
    const statistics = new LookupStatistics(new FakeClock());
    for (let n = 0; n < 50; n++) statistics.lookup('memory', 0, 'regular');
    for (let n = 0; n < 10_000; n++) statistics.lookup('memory', 0, `passer-by ${n}`);
    expect(statistics.sinceStart().mostRead[0]).toEqual({ key: 'regular', reads: 50 });
    expect(statistics.lastHour().mostRead[0]).toEqual({ key: 'regular', reads: 50 });
  });
});
