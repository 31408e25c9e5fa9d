import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '../../test/fake-clock.js';
import { ModelDatabase } from '../../test/model-database.js';
import { Switchboard } from '../../test/switchboard.js';
import { CoherentCache, EpochMismatch, type Lookup } from './coherent-cache.js';
import { ChangeLog } from '../coherence/change-log.js';
import { type ChangeBatch, ChangeSource } from '../coherence/change-source.js';
import { ChangeWindow } from '../coherence/change-window.js';
import { Lease } from '../coherence/lease.js';
import { type Snapshot } from '../coherence/snapshot.js';
import { type CacheTier, type Entry } from '../tiers/cache-tier.js';
import { MemoryTier } from '../tiers/memory-tier.js';

const DELTA_MS = 1_000;
const STALE_IF_DOWN_MS = 5_000;

/** What may happen, in any order. Everything that goes over a wire takes as many `wire` steps as it has turns. */
type Step =
  | { do: 'read' | 'demand' | 'poll' | 'change'; instance: number }
  | { do: 'begin' | 'commit' | 'prune' | 'crash' | 'log fails' | 'loads fail' }
  | { do: 'wire'; which: number }
  | { do: 'pass' | 'sleep'; ms: number };

const ofInstance = (action: 'read' | 'demand' | 'poll' | 'change'): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constant(action), instance: fc.nat(1) });
const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: ofInstance('read') },
  { weight: 1, arbitrary: ofInstance('demand') },
  { weight: 3, arbitrary: ofInstance('poll') },
  { weight: 2, arbitrary: ofInstance('change') },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('begin' as const, 'commit' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('prune' as const, 'crash' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('log fails' as const, 'loads fail' as const) }) },
  { weight: 16, arbitrary: fc.record({ do: fc.constant('wire' as const), which: fc.nat(50) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 300, 1_000, 5_001) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('sleep' as const), ms: fc.constantFrom(1_001, 60_000) }),
  },
);

class Down extends Error {}

/** One database, one Redis that never forgets, two instances, and all wires between them in our hands. */
class World {
  readonly clock = new FakeClock();
  readonly database = new ModelDatabase();
  readonly wires = new Switchboard();
  readonly shared = new Map<string, Entry<string>>();
  readonly instances = [new Instance(this), new Instance(this)] as const;
  logFails = false;
  loadsFail = false;
  /** What was committed when, in order. The values are numbers that grow. */
  readonly history: { value: number; atMs: number }[] = [{ value: 0, atMs: -Infinity }];

  get value(): number {
    return this.history.at(-1)!.value;
  }

  /** The oldest value that a read may give which begins now, anywhere. */
  get oldestAllowed(): number {
    return this.history.findLast(({ atMs }) => atMs < this.clock.wallMs() - DELTA_MS)!.value;
  }

  commit(xid = this.database.begin()): void {
    const value = this.value + 1;
    this.database.write(xid, 'key', String(value));
    this.database.commit(xid);
    this.history.push({ value, atMs: this.clock.wallMs() });
  }
}

class Source extends ChangeSource {
  constructor(private readonly world: World) {
    super();
  }

  override async read(previous: Snapshot | undefined): Promise<ChangeBatch> {
    return this.world.wires.through(() => {
      if (this.world.logFails) throw new Down();
      return this.world.database.changesSince(previous);
    });
  }

  override prune(): Promise<void> {
    return Promise.resolve();
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

class SharedTier implements CacheTier<string> {
  constructor(private readonly world: World) {}

  get(key: string): Promise<Entry<string> | undefined> {
    return this.world.wires.through(() => this.world.shared.get(key));
  }

  async set(key: string, entry: Entry<string>): Promise<void> {
    await this.world.wires.through(() => this.world.shared.set(key, entry));
  }

  async delete(key: string): Promise<void> {
    await this.world.wires.through(() => this.world.shared.delete(key));
  }
}

class Instance {
  readonly log: ChangeLog;
  readonly #cache: CoherentCache<string>;
  readonly #subject: Lookup<string>;
  /** The newest value whose change this instance has answered. */
  #answered = 0;

  constructor(private readonly world: World) {
    const window = new ChangeWindow();
    const lease = new Lease(DELTA_MS, world.clock);
    const memory = new MemoryTier<string>({ maxEntries: 10, maxBytes: 100_000 });
    this.log = new ChangeLog(new Source(world), window, lease, {
      pollIntervalMs: 1e9,
      catchUpTimeoutMs: 60_000,
    });
    this.#cache = new CoherentCache({
      memory,
      remote: new SharedTier(world),
      log: this.log,
      clock: world.clock,
      ttlMs: 300_000,
      staleIfDownMs: STALE_IF_DOWN_MS,
      isDown: (error) => error instanceof Down,
    });
    this.#subject = {
      key: 'key',
      tags: ['key'],
      load: async () => {
        const sentAtMs = world.clock.monotonicMs();
        const { value, stamp } = await world.wires.through(() => {
          if (world.loadsFail) throw new Down();
          return world.database.read('key');
        });
        return { value, stamp, sentAtMs };
      },
    };
  }

  async read(how: 'read' | 'bypass'): Promise<void> {
    const { oldestAllowed, value: newest } = this.world;
    const answered = this.#answered;
    try {
      const { value, origin } = await this.#cache[how](this.#subject);
      const got = Number(value ?? 0);
      if (how === 'bypass') expect(got).toBeGreaterThanOrEqual(newest);
      if (origin !== 'stale') expect(got).toBeGreaterThanOrEqual(oldestAllowed);
      // No fault excuses this: who was told that it is done must not see it undone.
      expect(got).toBeGreaterThanOrEqual(answered);
    } catch (error) {
      if (!(error instanceof Down) && !(error instanceof EpochMismatch)) throw error;
    }
  }

  async change(): Promise<void> {
    this.world.commit();
    const { value } = this.world;
    await Promise.all([this.log.catchUp(), this.#cache.invalidate('key')]);
    this.#answered = Math.max(this.#answered, value);
  }
}

async function live(steps: readonly Step[]): Promise<void> {
  const world = new World();
  const running: Promise<void>[] = world.instances.map(({ log }) => log.start());
  for (const step of steps) {
    switch (step.do) {
      case 'read':
        running.push(world.instances[step.instance]!.read('read'));
        break;
      case 'demand':
        running.push(world.instances[step.instance]!.read('bypass'));
        break;
      case 'poll':
        // As the interval does it, whose failure does not revoke the lease.
        running.push(world.instances[step.instance]!.log.start());
        break;
      case 'change':
        running.push(world.instances[step.instance]!.change());
        break;
      case 'begin':
        world.database.begin();
        break;
      case 'commit':
        if (world.database.open.length > 0) world.commit(world.database.open[0]);
        break;
      case 'prune':
      case 'crash':
        world.database[step.do]();
        break;
      case 'log fails':
        world.logFails = !world.logFails;
        break;
      case 'loads fail':
        world.loadsFail = !world.loadsFail;
        break;
      case 'wire':
        await world.wires.step(step.which);
        break;
      case 'pass':
        world.clock.advance(step.ms);
        break;
      case 'sleep':
        world.clock.jump(step.ms);
    }
  }
  const ended = Promise.all(running);
  ended.catch(() => undefined); // it is awaited below, when nothing is on its way any more
  await world.wires.drain();
  await ended;
  const stopped = Promise.all(world.instances.map(({ log }) => log.stop()));
  await world.wires.drain();
  await stopped;
}

describe('CoherentCache, however the wires delay and reorder what goes over them', () => {
  it('keeps its promises: read-your-writes, bounded staleness, and the truth on demand', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aStep, { maxLength: 120, size: 'max' }), (steps) => live(steps)),
      { numRuns: 400, interruptAfterTimeLimit: 4_000 },
    );
  });
});
