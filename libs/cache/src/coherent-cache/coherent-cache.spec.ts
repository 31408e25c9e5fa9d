import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeChangeSource } from '../../test/fake-change-source.js';
import { FakeClock } from '../../test/fake-clock.js';
import { FakeTier } from '../../test/fake-tier.js';
import { Gate } from '../../test/gate.js';
import { ModelDatabase } from '../../test/model-database.js';
import { ChangeLog } from '../coherence/change-log.js';
import { ChangeWindow } from '../coherence/change-window.js';
import { Lease } from '../coherence/lease.js';
import { type Loaded } from '../coherence/snapshot.js';
import { type Entry } from '../tiers/cache-tier.js';
import { MemoryTier } from '../tiers/memory-tier.js';
import { CoherentCache, EpochMismatch } from './coherent-cache.js';
import { type Lookup } from './lookup.js';

interface Person {
  readonly name: string;
}

class DatabaseDown extends Error {}

describe('CoherentCache', () => {
  let clock: FakeClock;
  let database: ModelDatabase;
  let source: FakeChangeSource;
  let lease: Lease;
  let log: ChangeLog;
  let memory: MemoryTier<Person>;
  let remote: FakeTier<Person>;
  let cache: CoherentCache<Person>;
  /** The database that loads reach: not the log's while only one of the two has followed a fail-over. */
  let pool: ModelDatabase;
  let poolError: Error | undefined;
  let loads: number;
  /** Replies to loads wait here. */
  let loadReplies: Gate;

  beforeEach(async () => {
    clock = new FakeClock();
    pool = database = new ModelDatabase();
    source = new FakeChangeSource(database);
    poolError = undefined;
    loads = 0;
    loadReplies = new Gate();
    aCache();
    await log.start();
  });

  afterEach(async () => {
    source.replies.open();
    await log.stop();
  });

  function aCache(options: { maxEntries?: number; staleIfDownMs?: number; withRemote?: boolean } = {}): void {
    const { maxEntries = 100, staleIfDownMs = 60_000, withRemote = true } = options;
    const window = new ChangeWindow();
    lease = new Lease(1_000, clock);
    // Only catchUp() polls.
    log = new ChangeLog(source, window, lease, { pollIntervalMs: 1e9 });
    memory = new MemoryTier({ maxEntries, maxBytes: 1_000_000 });
    remote = new FakeTier();
    cache = new CoherentCache({
      memory,
      remote: withRemote ? remote : undefined,
      log,
      clock,
      ttlMs: 300_000,
      staleIfDownMs,
      isDown: (error) => error instanceof DatabaseDown,
    });
  }

  function lookup(key = 'ada'): Lookup<Person> {
    return { key, tags: [key, 'everybody'], load: () => load(key) };
  }

  async function load(key: string): Promise<Loaded<Person>> {
    loads++;
    const sentAtMs = clock.monotonicMs();
    const error = poolError;
    const { value, stamp } = pool.read(key);
    await loadReplies.pass();
    if (error) throw error;
    return { value: value === null ? null : { name: value }, stamp, sentAtMs };
  }

  function anEntry(name: string): Entry<Person> {
    return { value: { name }, stamp: database.read('ada').stamp };
  }

  /** A write of this instance, answered. */
  async function write(name: string): Promise<void> {
    database.set('ada', name);
    await Promise.all([log.catchUp(), cache.invalidate('ada')]);
  }

  const ada = (name: string | null, origin: string): object => ({
    value: name === null ? null : { name },
    origin,
  });

  /** Resolves when all callbacks that are ready have run. */
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  describe('reading', () => {
    it('CoherentCache asks PostgreSQL once, then answers from memory', async () => {
      database.set('ada', 'Ada');
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'postgres'));
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'memory'));
      expect([loads, remote.gets]).toEqual([1, 1]);
    });

    it('CoherentCache answers from Redis what another instance stored, and from memory afterwards', async () => {
      remote.entries.set('ada', anEntry('Ada'));
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'redis'));
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'memory'));
      expect(loads).toBe(0);
    });

    it('CoherentCache answers from Redis without a memory tier, and from PostgreSQL without both', async () => {
      aCache({ maxEntries: 0 });
      await log.start();
      await cache.read(lookup());
      expect(await cache.read(lookup())).toEqual(ada(null, 'redis'));

      aCache({ maxEntries: 0, withRemote: false });
      await log.start();
      await cache.read(lookup());
      expect(await cache.read(lookup())).toEqual(ada(null, 'postgres'));
    });

    it('CoherentCache caches that a row does not exist, until it does', async () => {
      await cache.read(lookup());
      expect(await cache.read(lookup())).toEqual(ada(null, 'memory'));
      expect(remote.entries.get('ada')?.value).toBeNull();
      expect(cache.peek('ada')?.value).toBeNull();
      await write('Ada');
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'postgres'));
    });

    it('CoherentCache returns frozen values from every tier', async () => {
      aCache({ maxEntries: 0 });
      database.set('ada', 'Ada');
      await log.start();
      const unstamped = { ...lookup(), load: async () => ({ ...(await load('ada')), stamp: undefined }) };
      const answers = [
        await cache.bypass(unstamped),
        await cache.read(unstamped),
        await cache.read(lookup()),
        await cache.read(lookup()),
      ];
      expect(answers.map(({ origin }) => origin)).toEqual(['bypass', 'postgres', 'postgres', 'redis']);
      expect(answers.every(({ value }) => Object.isFrozen(value))).toBe(true);
    });

    it('CoherentCache does not keep a value without a stamp', async () => {
      await cache.read({ ...lookup(), load: async () => ({ ...(await load('ada')), stamp: undefined }) });
      expect([memory.entries, remote.entries.size]).toEqual([0, 0]);
    });

    it('CoherentCache throws the error of a load, and loads again next time', async () => {
      poolError = new Error('bad statement');
      await expect(cache.read(lookup())).rejects.toBe(poolError);
      poolError = undefined;
      expect(await cache.read(lookup())).toEqual(ada(null, 'postgres'));
    });
  });

  describe('bounded staleness', () => {
    it('CoherentCache serves the change of another instance as soon as the log was polled', async () => {
      await cache.read(lookup());
      database.set('ada', 'Ada');
      expect(await cache.read(lookup())).toEqual(ada(null, 'memory')); // within Δ
      await log.catchUp();
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'postgres'));
    });

    it('CoherentCache uses neither memory nor Redis when the log was not polled for longer than Δ', async () => {
      await cache.read(lookup());
      database.set('ada', 'Ada');
      clock.advance(1_001);
      remote.gets = 0;
      expect(cache.peek('ada')).toBeUndefined();
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'postgres'));
      expect(remote.gets).toBe(0);
    });

    it('CoherentCache uses neither memory nor Redis after the machine slept', async () => {
      await cache.read(lookup());
      database.set('ada', 'Ada');
      clock.jump(60_000);
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'postgres'));
    });

    it('CoherentCache refuses an entry that arrives from Redis after the lease ran out', async () => {
      remote.entries.set('ada', anEntry('old'));
      remote.replies.close();
      const answer = cache.read(lookup());
      database.set('ada', 'Ada');
      clock.advance(1_001);
      remote.replies.open();
      expect(await answer).toEqual(ada('Ada', 'postgres'));
    });

    it.each([
      ['that missed a change', (): Entry<Person> => anEntry('old')],
      [
        'of another epoch',
        (): Entry<Person> => ({
          ...anEntry('old'),
          stamp: { ...database.read('ada').stamp, epoch: 'life-0' },
        }),
      ],
    ])('CoherentCache treats an entry in Redis %s as a miss, and replaces it', async (_what, make) => {
      const entry = make();
      await write('Ada');
      remote.entries.set('ada', entry);
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'postgres'));
      expect(remote.entries.get('ada')?.value).toEqual({ name: 'Ada' });
    });

    it('CoherentCache refuses an entry in Redis that is newer than its last poll, and leaves it in place', async () => {
      database.set('charles', 'Charles');
      const ahead = anEntry('never true');
      remote.entries.set('ada', ahead);
      expect(await cache.read(lookup())).toEqual(ada(null, 'postgres'));
      expect(await cache.read(lookup())).toEqual(ada(null, 'memory'));
      expect(remote.entries.get('ada')).toBe(ahead);
    });

    it('CoherentCache serves an entry from Redis once a poll has seen as much as the entry', async () => {
      database.set('ada', 'Ada');
      remote.entries.set('ada', anEntry('Ada'));
      await log.catchUp();
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'redis'));
    });

    it('CoherentCache treats an entry in Redis that is older than the log reaches as a miss', async () => {
      const entry = anEntry('old');
      database.set('bob', 'Bob');
      database.prune();
      await log.catchUp();
      remote.entries.set('ada', entry);
      expect(await cache.read(lookup())).toEqual(ada(null, 'postgres'));
    });

    it('CoherentCache does not put back into memory what a faster reader has replaced', async () => {
      loadReplies.close();
      const slow = cache.bypass(lookup());
      database.set('ada', 'new');
      loadReplies.open();
      const fast = cache.bypass(lookup());
      await Promise.all([fast, slow]);
      // The slow read again, after all others.
      loadReplies.close();
      const slowest = cache.bypass(lookup());
      database.set('ada', 'newest');
      const keepNewest = { value: { name: 'newest' }, stamp: database.read('ada').stamp, sentAtMs: 0 };
      cache.keep(lookup(), keepNewest);
      loadReplies.open();
      await slowest;
      expect(cache.peek('ada')?.value).toEqual({ name: 'newest' });
    });

    it('CoherentCache does not keep a value whose reader missed a change that is known', async () => {
      loadReplies.close();
      const slow = cache.read(lookup());
      await settled();
      await write('new');
      loadReplies.open();
      await slow;
      expect(cache.peek('ada')).toBeUndefined();
      expect(remote.entries.size).toBe(0);
    });
  });

  describe('read-your-writes', () => {
    it('CoherentCache serves the new value once the write is answered', async () => {
      database.set('ada', 'old');
      await cache.read(lookup());
      await write('new');
      expect(await cache.read(lookup())).toEqual(ada('new', 'postgres'));
    });

    it('CoherentCache does not join a load that started before an invalidation', async () => {
      database.set('ada', 'old');
      loadReplies.close();
      const before = cache.read(lookup());
      await settled();
      await write('new');
      const after = cache.read(lookup());
      loadReplies.open();
      expect(await before).toEqual(ada('old', 'postgres'));
      expect(await after).toEqual(ada('new', 'postgres'));
    });

    it('CoherentCache refuses the outcome of a joined load that missed a write which did not invalidate the key', async () => {
      database.set('ada', 'old');
      loadReplies.close();
      void cache.read(lookup());
      await settled();
      database.set('ada', 'new');
      await log.catchUp();
      const joiner = cache.read(lookup());
      loadReplies.open();
      expect(await joiner).toEqual(ada('new', 'postgres'));
    });

    it('CoherentCache does not serve what Redis held before the write', async () => {
      database.set('ada', 'old');
      const entry = anEntry('old');
      remote.entries.set('ada', entry);
      remote.replies.close();
      const before = cache.read(lookup());
      await write('new');
      remote.replies.open();
      expect(await before).toEqual(ada('new', 'postgres'));
      remote.entries.set('ada', entry); // a delayed command lands
      memory.delete('ada');
      expect(await cache.read(lookup())).toEqual(ada('new', 'postgres'));
    });

    it('CoherentCache asks PostgreSQL for everything when the poll after a write failed', async () => {
      database.set('ada', 'old');
      await cache.read(lookup());
      source.error = new Error('down');
      await write('new');
      expect(await cache.read(lookup())).toEqual(ada('new', 'postgres'));
      expect(await cache.read(lookup())).toEqual(ada('new', 'postgres'));
    });

    it('CoherentCache does not join a load from before a write after which the poll failed', async () => {
      database.set('ada', 'old');
      loadReplies.close();
      void cache.read(lookup());
      await settled();
      source.error = new Error('down');
      database.set('ada', 'new');
      await log.catchUp();
      const joiner = cache.read(lookup());
      loadReplies.open();
      expect(await joiner).toEqual(ada('new', 'postgres'));
    });
  });

  describe('joining', () => {
    it('CoherentCache loads once for many concurrent reads', async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => cache.read(lookup())));
      expect(loads).toBe(1);
      expect(new Set(answers.map(({ origin }) => origin))).toEqual(new Set(['postgres']));
    });

    it('CoherentCache loads once more for all reads that joined a load that was too old', async () => {
      loadReplies.close();
      void cache.read(lookup());
      await settled();
      database.set('ada', 'new');
      await log.catchUp();
      clock.advance(1);
      const crowd = Array.from({ length: 100 }, () => cache.read(lookup()));
      loadReplies.open();
      expect(new Set((await Promise.all(crowd)).map(({ value }) => value?.name))).toEqual(new Set(['new']));
      expect(loads).toBe(2);
    });

    it('CoherentCache without the lease does not join a load from before the call', async () => {
      clock.advance(1_001);
      loadReplies.close();
      void cache.read(lookup());
      await settled();
      database.set('ada', 'new'); // the machine sleeps for an hour, and another instance writes
      const joiner = cache.read(lookup());
      loadReplies.open();
      expect(await joiner).toEqual(ada('new', 'postgres'));
    });

    it('CoherentCache accepts a load sent after the call, even if the flight began before', async () => {
      remote.replies.close();
      void cache.read(lookup());
      await settled();
      const joiner = cache.read(lookup());
      clock.advance(2_000); // no lease any more
      remote.replies.open();
      expect(await joiner).toEqual(ada(null, 'postgres'));
      expect(loads).toBe(1);
    });
  });

  describe('bypass', () => {
    it('CoherentCache.bypass asks PostgreSQL despite a cached entry, and caches the answer', async () => {
      await cache.read(lookup());
      database.set('ada', 'Ada');
      expect(await cache.bypass(lookup())).toEqual(ada('Ada', 'bypass'));
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'memory'));
      expect(remote.entries.get('ada')?.value).toEqual({ name: 'Ada' });
    });

    it('CoherentCache.bypass never returns a stale fallback', async () => {
      await cache.read(lookup());
      poolError = new DatabaseDown();
      clock.advance(1_001);
      await expect(cache.bypass(lookup())).rejects.toBe(poolError);
    });
  });

  describe('stale fallback', () => {
    const down = (): void => {
      source.error = poolError = new DatabaseDown();
    };

    it('CoherentCache serves from memory, marked stale, until staleIfDownMs has passed', async () => {
      await cache.read(lookup());
      down();
      clock.advance(61_000);
      expect(await cache.read(lookup())).toEqual(ada(null, 'stale'));
      clock.advance(1);
      await expect(cache.read(lookup())).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('CoherentCache serves from Redis, marked stale, what is not in memory', async () => {
      remote.entries.set('ada', anEntry('Ada'));
      down();
      clock.advance(30_000);
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'stale'));
    });

    it('CoherentCache does not serve a stale fallback that is known to have changed', async () => {
      const old = anEntry('old');
      await write('new');
      remote.entries.set('ada', old);
      down();
      clock.advance(30_000);
      await expect(cache.read(lookup())).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('CoherentCache does not serve a stale fallback from Redis that is newer than its last poll', async () => {
      database.set('charles', 'Charles');
      remote.entries.set('ada', anEntry('Ada'));
      down();
      clock.advance(30_000);
      await expect(cache.read(lookup())).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('CoherentCache does not serve a stale fallback that arrives from Redis after staleIfDownMs', async () => {
      remote.entries.set('ada', anEntry('Ada'));
      down();
      clock.advance(60_000);
      remote.replies.close();
      const answer = cache.read(lookup());
      await settled();
      clock.advance(1_001);
      remote.replies.open();
      await expect(answer).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('CoherentCache serves no stale fallback after a write whose poll failed', async () => {
      await cache.read(lookup());
      source.error = new DatabaseDown();
      await write('new');
      poolError = new DatabaseDown();
      remote.entries.set('ada', anEntry('old'));
      await expect(cache.read(lookup())).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('CoherentCache serves no stale fallback when it is off, or when the load itself is wrong', async () => {
      await cache.read(lookup());
      clock.advance(30_000);
      poolError = new Error('bad statement');
      await expect(cache.read(lookup())).rejects.toBe(poolError);

      aCache({ staleIfDownMs: 0 });
      await log.start();
      poolError = undefined;
      await cache.read(lookup());
      down();
      clock.advance(1_001);
      await expect(cache.read(lookup())).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('CoherentCache serves fresh values as soon as the database is back', async () => {
      await cache.read(lookup());
      down();
      clock.advance(30_000);
      await cache.read(lookup());
      source.error = poolError = undefined;
      database.set('ada', 'Ada');
      await log.catchUp();
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'postgres'));
    });
  });

  describe('after a fail-over', () => {
    it('CoherentCache polls the log first when a load reached the new database before the log did', async () => {
      database.set('ada', 'Ada');
      await cache.read(lookup());
      database.crash();
      const polls = source.polls.length;
      expect(await cache.read(lookup('bob'))).toMatchObject({ value: null, origin: 'postgres' });
      expect(source.polls.length).toBe(polls + 2); // what is new, and then all of it
      expect(loads).toBe(2);
      expect(cache.peek('ada')).toBeUndefined();
      expect(cache.peek('bob')?.value).toBeNull();
    });

    it('CoherentCache refuses a load from a server that the log no longer follows', async () => {
      await cache.read(lookup());
      pool = new ModelDatabase(); // a connection to the primary that was
      database.crash();
      await log.catchUp();
      await expect(cache.read(lookup())).rejects.toBeInstanceOf(EpochMismatch);
      await expect(cache.bypass(lookup())).rejects.toMatchObject({ code: 'database.unavailable' });
      pool = database;
      expect(await cache.read(lookup())).toEqual(ada(null, 'postgres'));
    });

    it('CoherentCache loads again before it throws EpochMismatch', async () => {
      const old = new ModelDatabase();
      database.crash();
      await log.catchUp();
      pool = old;
      const flaky = {
        ...lookup(),
        load: (): Promise<Loaded<Person>> => {
          const loaded = load('ada');
          pool = database;
          return loaded;
        },
      };
      expect(await cache.read(flaky)).toEqual(ada(null, 'postgres'));
      expect(loads).toBe(2);
    });

    it('CoherentCache accepts the database that answers when the log cannot be read', async () => {
      await cache.read(lookup());
      source.error = new Error('down');
      pool = new ModelDatabase();
      pool.crash();
      pool.set('ada', 'Ada');
      expect(await cache.bypass(lookup())).toEqual(ada('Ada', 'bypass'));
      expect(await cache.read(lookup())).toEqual(ada('Ada', 'postgres'));
    });

    it('CoherentCache drops a value of the old database when the log moved on during the load', async () => {
      database.set('ada', 'Ada');
      loadReplies.close();
      const answer = cache.read(lookup());
      await settled();
      database.crash();
      await log.catchUp();
      loadReplies.open();
      expect(await answer).toEqual(ada('Ada', 'postgres'));
      expect(loads).toBe(2);
      expect(remote.entries.get('ada')?.stamp.epoch).toBe('life-2');
    });
  });

  it('CoherentCache.invalidate drops a key from memory and from Redis', async () => {
    await cache.read(lookup());
    await cache.invalidate('ada');
    expect([memory.entries, remote.entries.size]).toEqual([0, 0]);
  });
});
