import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeChangeSource } from '../../test/fake-change-source.js';
import { FakeClock } from '../../test/fake-clock.js';
import { FakeTier } from '../../test/fake-tier.js';
import { Gate } from '../../test/gate.js';
import { ModelDatabase } from '../../test/model-database.js';
import { CoherentCache, EpochMismatch, type Lookup } from './coherent-cache.js';
import { ChangeLog } from '../coherence/change-log.js';
import { ChangeWindow } from '../coherence/change-window.js';
import { Lease } from '../coherence/lease.js';
import { type Entry } from '../tiers/cache-tier.js';
import { type Loaded } from '../coherence/snapshot.js';
import { MemoryTier } from '../tiers/memory-tier.js';

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
  /** What loads reach; another one than the log's after a fail-over that half of us have noticed. */
  let pool: ModelDatabase;
  let poolFault: Error | undefined;
  let loads: number;
  /** Where the replies to loads wait. */
  let loadReplies: Gate;

  beforeEach(async () => {
    clock = new FakeClock();
    pool = database = new ModelDatabase();
    source = new FakeChangeSource(database);
    poolFault = undefined;
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
    // Nobody polls but those who call catchUp().
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

  function subject(key = 'ada'): Lookup<Person> {
    return { key, tags: [key, 'everybody'], load: () => load(key) };
  }

  async function load(key: string): Promise<Loaded<Person>> {
    loads++;
    const sentAtMs = clock.monotonicMs();
    const fault = poolFault;
    const { value, stamp } = pool.read(key);
    await loadReplies.pass();
    if (fault) throw fault;
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

  /** Until all that can go on without us has gone on. */
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  describe('reading', () => {
    it('asks PostgreSQL once, then answers from memory', async () => {
      database.set('ada', 'Ada');
      expect(await cache.read(subject())).toEqual(ada('Ada', 'postgres'));
      expect(await cache.read(subject())).toEqual(ada('Ada', 'memory'));
      expect([loads, remote.gets]).toEqual([1, 1]);
    });

    it('answers from Redis what another instance left there, and from memory afterwards', async () => {
      remote.entries.set('ada', anEntry('Ada'));
      expect(await cache.read(subject())).toEqual(ada('Ada', 'redis'));
      expect(await cache.read(subject())).toEqual(ada('Ada', 'memory'));
      expect(loads).toBe(0);
    });

    it('answers from Redis each time when there is no memory, and from PostgreSQL when there is neither', async () => {
      aCache({ maxEntries: 0 });
      await log.start();
      await cache.read(subject());
      expect(await cache.read(subject())).toEqual(ada(null, 'redis'));

      aCache({ maxEntries: 0, withRemote: false });
      await log.start();
      await cache.read(subject());
      expect(await cache.read(subject())).toEqual(ada(null, 'postgres'));
    });

    it('remembers that there is nothing, until there is', async () => {
      await cache.read(subject());
      expect(await cache.read(subject())).toEqual(ada(null, 'memory'));
      expect(remote.entries.get('ada')?.value).toBeNull();
      expect(cache.peek('ada')?.value).toBeNull();
      await write('Ada');
      expect(await cache.read(subject())).toEqual(ada('Ada', 'postgres'));
    });

    it('hands out frozen values, wherever they come from', async () => {
      aCache({ maxEntries: 0 });
      database.set('ada', 'Ada');
      await log.start();
      const unstamped = { ...subject(), load: async () => ({ ...(await load('ada')), stamp: undefined }) };
      const answers = [
        await cache.bypass(unstamped),
        await cache.read(unstamped),
        await cache.read(subject()),
        await cache.read(subject()),
      ];
      expect(answers.map(({ origin }) => origin)).toEqual(['bypass', 'postgres', 'postgres', 'redis']);
      expect(answers.every(({ value }) => Object.isFrozen(value))).toBe(true);
    });

    it('does not keep what nobody can date', async () => {
      await cache.read({ ...subject(), load: async () => ({ ...(await load('ada')), stamp: undefined }) });
      expect([memory.entries, remote.entries.size]).toEqual([0, 0]);
    });

    it('passes a failing load on, and asks again next time', async () => {
      poolFault = new Error('bad statement');
      await expect(cache.read(subject())).rejects.toBe(poolFault);
      poolFault = undefined;
      expect(await cache.read(subject())).toEqual(ada(null, 'postgres'));
    });
  });

  describe('bounded staleness', () => {
    it('serves a change by somebody else as soon as the log was read', async () => {
      await cache.read(subject());
      database.set('ada', 'Ada');
      expect(await cache.read(subject())).toEqual(ada(null, 'memory')); // within Δ
      await log.catchUp();
      expect(await cache.read(subject())).toEqual(ada('Ada', 'postgres'));
    });

    it('consults neither memory nor Redis when the log was not read for longer than Δ', async () => {
      await cache.read(subject());
      database.set('ada', 'Ada');
      clock.advance(1_001);
      remote.gets = 0;
      expect(cache.peek('ada')).toBeUndefined();
      expect(await cache.read(subject())).toEqual(ada('Ada', 'postgres'));
      expect(remote.gets).toBe(0);
    });

    it('consults neither after the machine slept', async () => {
      await cache.read(subject());
      database.set('ada', 'Ada');
      clock.jump(60_000);
      expect(await cache.read(subject())).toEqual(ada('Ada', 'postgres'));
    });

    it('does not take from Redis what came back only after the lease had lapsed', async () => {
      remote.entries.set('ada', anEntry('old'));
      remote.replies.close();
      const answer = cache.read(subject());
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
    ])('takes an entry in Redis %s for a miss, and replaces it', async (_what, make) => {
      const entry = make();
      await write('Ada');
      remote.entries.set('ada', entry);
      expect(await cache.read(subject())).toEqual(ada('Ada', 'postgres'));
      expect(remote.entries.get('ada')?.value).toEqual({ name: 'Ada' });
    });

    it('does not take from Redis what has seen more than the last look, and leaves it for those who looked since', async () => {
      database.set('charles', 'Charles');
      const ahead = anEntry('never true');
      remote.entries.set('ada', ahead);
      expect(await cache.read(subject())).toEqual(ada(null, 'postgres'));
      expect(await cache.read(subject())).toEqual(ada(null, 'memory'));
      expect(remote.entries.get('ada')).toBe(ahead);
    });

    it('takes it from Redis once a look has seen as much', async () => {
      database.set('ada', 'Ada');
      remote.entries.set('ada', anEntry('Ada'));
      await log.catchUp();
      expect(await cache.read(subject())).toEqual(ada('Ada', 'redis'));
    });

    it('takes an entry in Redis that is older than the log reaches for a miss', async () => {
      const entry = anEntry('old');
      database.set('bob', 'Bob');
      database.prune();
      await log.catchUp();
      remote.entries.set('ada', entry);
      expect(await cache.read(subject())).toEqual(ada(null, 'postgres'));
    });

    it('does not put back into memory what a faster reader has already replaced', async () => {
      loadReplies.close();
      const slow = cache.bypass(subject());
      database.set('ada', 'new');
      loadReplies.open();
      const fast = cache.bypass(subject());
      await Promise.all([fast, slow]);
      // The slow one once more, later than everybody.
      loadReplies.close();
      const slowest = cache.bypass(subject());
      database.set('ada', 'newest');
      const keepNewest = { value: { name: 'newest' }, stamp: database.read('ada').stamp, sentAtMs: 0 };
      cache.keep(subject(), keepNewest);
      loadReplies.open();
      await slowest;
      expect(cache.peek('ada')?.value).toEqual({ name: 'newest' });
    });

    it('does not keep what a reader brings after the change it missed is known', async () => {
      loadReplies.close();
      const slow = cache.read(subject());
      await settled();
      await write('new');
      loadReplies.open();
      await slow;
      expect(cache.peek('ada')).toBeUndefined();
      expect(remote.entries.size).toBe(0);
    });
  });

  describe('read-your-writes', () => {
    it('serves the new value at once when the write was answered', async () => {
      database.set('ada', 'old');
      await cache.read(subject());
      await write('new');
      expect(await cache.read(subject())).toEqual(ada('new', 'postgres'));
    });

    it('does not join a load that had set out before the write', async () => {
      database.set('ada', 'old');
      loadReplies.close();
      const before = cache.read(subject());
      await settled();
      await write('new');
      const after = cache.read(subject());
      loadReplies.open();
      expect(await before).toEqual(ada('old', 'postgres'));
      expect(await after).toEqual(ada('new', 'postgres'));
    });

    it('does not take the word of such a load even when the write did not announce itself to this cache', async () => {
      database.set('ada', 'old');
      loadReplies.close();
      void cache.read(subject());
      await settled();
      database.set('ada', 'new');
      await log.catchUp();
      const joiner = cache.read(subject());
      loadReplies.open();
      expect(await joiner).toEqual(ada('new', 'postgres'));
    });

    it('does not serve what Redis held before the write', async () => {
      database.set('ada', 'old');
      const entry = anEntry('old');
      remote.entries.set('ada', entry);
      remote.replies.close();
      const before = cache.read(subject());
      await write('new');
      remote.replies.open();
      expect(await before).toEqual(ada('new', 'postgres'));
      remote.entries.set('ada', entry); // a delayed command lands
      memory.delete('ada');
      expect(await cache.read(subject())).toEqual(ada('new', 'postgres'));
    });

    it('asks PostgreSQL for everything when the write could not be followed in the log', async () => {
      database.set('ada', 'old');
      await cache.read(subject());
      source.error = new Error('down');
      await write('new');
      expect(await cache.read(subject())).toEqual(ada('new', 'postgres'));
      expect(await cache.read(subject())).toEqual(ada('new', 'postgres'));
    });

    it('does not join a load from before such a write either', async () => {
      database.set('ada', 'old');
      loadReplies.close();
      void cache.read(subject());
      await settled();
      source.error = new Error('down');
      database.set('ada', 'new');
      await log.catchUp();
      const joiner = cache.read(subject());
      loadReplies.open();
      expect(await joiner).toEqual(ada('new', 'postgres'));
    });
  });

  describe('joining', () => {
    it('loads once for a crowd', async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => cache.read(subject())));
      expect(loads).toBe(1);
      expect(new Set(answers.map(({ origin }) => origin))).toEqual(new Set(['postgres']));
    });

    it('loads once more, and only once, for a crowd that joined a load that was too old', async () => {
      loadReplies.close();
      void cache.read(subject());
      await settled();
      database.set('ada', 'new');
      await log.catchUp();
      clock.advance(1);
      const crowd = Array.from({ length: 100 }, () => cache.read(subject()));
      loadReplies.open();
      expect(new Set((await Promise.all(crowd)).map(({ value }) => value?.name))).toEqual(new Set(['new']));
      expect(loads).toBe(2);
    });

    it('does not join a load from before the call without the lease, however close the clock says they are', async () => {
      clock.advance(1_001);
      loadReplies.close();
      void cache.read(subject());
      await settled();
      database.set('ada', 'new'); // the machine sleeps for an hour, and somebody writes
      const joiner = cache.read(subject());
      loadReplies.open();
      expect(await joiner).toEqual(ada('new', 'postgres'));
    });

    it('takes a load that was sent after the call, though the flight began before', async () => {
      remote.replies.close();
      void cache.read(subject());
      await settled();
      const joiner = cache.read(subject());
      clock.advance(2_000); // no lease any more
      remote.replies.open();
      expect(await joiner).toEqual(ada(null, 'postgres'));
      expect(loads).toBe(1);
    });
  });

  describe('demanding the truth', () => {
    it('asks PostgreSQL whatever is cached, and leaves the answer behind', async () => {
      await cache.read(subject());
      database.set('ada', 'Ada');
      expect(await cache.bypass(subject())).toEqual(ada('Ada', 'bypass'));
      expect(await cache.read(subject())).toEqual(ada('Ada', 'memory'));
      expect(remote.entries.get('ada')?.value).toEqual({ name: 'Ada' });
    });

    it('is never answered by a stand-in', async () => {
      await cache.read(subject());
      poolFault = new DatabaseDown();
      clock.advance(1_001);
      await expect(cache.bypass(subject())).rejects.toBe(poolFault);
    });
  });

  describe('when the database is out of reach', () => {
    const down = (): void => {
      source.error = poolFault = new DatabaseDown();
    };

    it('serves from memory, marked stale, until the grace is over', async () => {
      await cache.read(subject());
      down();
      clock.advance(61_000);
      expect(await cache.read(subject())).toEqual(ada(null, 'stale'));
      clock.advance(1);
      await expect(cache.read(subject())).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('serves from Redis, marked stale, what is not in memory', async () => {
      remote.entries.set('ada', anEntry('Ada'));
      down();
      clock.advance(30_000);
      expect(await cache.read(subject())).toEqual(ada('Ada', 'stale'));
    });

    it('does not serve what is known to have changed', async () => {
      const old = anEntry('old');
      await write('new');
      remote.entries.set('ada', old);
      down();
      clock.advance(30_000);
      await expect(cache.read(subject())).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('does not serve what another instance left in Redis after our last look', async () => {
      database.set('charles', 'Charles');
      remote.entries.set('ada', anEntry('Ada'));
      down();
      clock.advance(30_000);
      await expect(cache.read(subject())).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('does not serve what comes from Redis after the grace is over', async () => {
      remote.entries.set('ada', anEntry('Ada'));
      down();
      clock.advance(60_000);
      remote.replies.close();
      const answer = cache.read(subject());
      await settled();
      clock.advance(1_001);
      remote.replies.open();
      await expect(answer).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('never does so after a write that could not be followed in the log', async () => {
      await cache.read(subject());
      source.error = new DatabaseDown();
      await write('new');
      poolFault = new DatabaseDown();
      remote.entries.set('ada', anEntry('old'));
      await expect(cache.read(subject())).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('serves nothing when that is turned off, nor for a load that is simply wrong', async () => {
      await cache.read(subject());
      clock.advance(30_000);
      poolFault = new Error('bad statement');
      await expect(cache.read(subject())).rejects.toBe(poolFault);

      aCache({ staleIfDownMs: 0 });
      await log.start();
      poolFault = undefined;
      await cache.read(subject());
      down();
      clock.advance(1_001);
      await expect(cache.read(subject())).rejects.toBeInstanceOf(DatabaseDown);
    });

    it('serves fresh values again as soon as it is back', async () => {
      await cache.read(subject());
      down();
      clock.advance(30_000);
      await cache.read(subject());
      source.error = poolFault = undefined;
      database.set('ada', 'Ada');
      await log.catchUp();
      expect(await cache.read(subject())).toEqual(ada('Ada', 'postgres'));
    });
  });

  describe('when the database is suddenly another one', () => {
    it('looks at the log first when loads found the new one before it did', async () => {
      database.set('ada', 'Ada');
      await cache.read(subject());
      database.crash();
      const looks = source.polls.length;
      expect(await cache.read(subject('bob'))).toMatchObject({ value: null, origin: 'postgres' });
      expect(source.polls.length).toBe(looks + 2); // what is new, and then all of it
      expect(loads).toBe(2);
      expect(cache.peek('ada')).toBeUndefined();
      expect(cache.peek('bob')?.value).toBeNull();
    });

    it('does not believe a server that the log no longer follows', async () => {
      await cache.read(subject());
      pool = new ModelDatabase(); // a connection to the primary that was
      database.crash();
      await log.catchUp();
      await expect(cache.read(subject())).rejects.toBeInstanceOf(EpochMismatch);
      await expect(cache.bypass(subject())).rejects.toMatchObject({ code: 'database.unavailable' });
      pool = database;
      expect(await cache.read(subject())).toEqual(ada(null, 'postgres'));
    });

    it('tries another connection before it gives up', async () => {
      const old = new ModelDatabase();
      database.crash();
      await log.catchUp();
      pool = old;
      const flaky = {
        ...subject(),
        load: (): Promise<Loaded<Person>> => {
          const loaded = load('ada');
          pool = database;
          return loaded;
        },
      };
      expect(await cache.read(flaky)).toEqual(ada(null, 'postgres'));
      expect(loads).toBe(2);
    });

    it('takes the one that answers when the log cannot be read', async () => {
      await cache.read(subject());
      source.error = new Error('down');
      pool = new ModelDatabase();
      pool.crash();
      pool.set('ada', 'Ada');
      expect(await cache.bypass(subject())).toEqual(ada('Ada', 'bypass'));
      expect(await cache.read(subject())).toEqual(ada('Ada', 'postgres'));
    });

    it('forgets what was loaded from the old one while the log moved on', async () => {
      database.set('ada', 'Ada');
      loadReplies.close();
      const answer = cache.read(subject());
      await settled();
      database.crash();
      await log.catchUp();
      loadReplies.open();
      expect(await answer).toEqual(ada('Ada', 'postgres'));
      expect(loads).toBe(2);
      expect(remote.entries.get('ada')?.stamp.epoch).toBe('life-2');
    });
  });

  it('drops a key from memory and from Redis when it is told to', async () => {
    await cache.read(subject());
    await cache.invalidate('ada');
    expect([memory.entries, remote.entries.size]).toEqual([0, 0]);
  });
});
