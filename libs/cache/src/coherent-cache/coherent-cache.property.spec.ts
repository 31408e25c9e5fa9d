import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '../../test/fake-clock.js';
import { ModelDatabase } from '../../test/model-database.js';
import { Switchboard } from '../../test/switchboard.js';
import { ChangeLog } from '../coherence/change-log.js';
import { type ChangeBatch, ChangeSource } from '../coherence/change-source.js';
import { ChangeWindow } from '../coherence/change-window.js';
import { Lease } from '../coherence/lease.js';
import { type Snapshot } from '../coherence/snapshot.js';
import { type CacheTier, type Entry } from '../tiers/cache-tier.js';
import { MemoryTier } from '../tiers/memory-tier.js';
import { CoherentCache, EpochMismatch } from './coherent-cache.js';
import { type Lookup } from './lookup.js';

const DELTA_MS = 1_000;
const STALE_IF_DOWN_MS = 5_000;

/** The steps, in any order. A call over a wire takes two `wire` steps. */
type Step =
  | { do: 'read' | 'bypass' | 'poll' | 'change'; instance: number }
  | { do: 'begin' | 'commit' | 'prune' | 'crash' | 'log fails' | 'loads fail' }
  | { do: 'wire'; which: number }
  | { do: 'pass' | 'sleep'; ms: number };

const ofInstance = (action: 'read' | 'bypass' | 'poll' | 'change'): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constant(action), instance: fc.nat(1) });
const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: ofInstance('read') },
  { weight: 1, arbitrary: ofInstance('bypass') },
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

/** One database, one Redis that keeps everything, two instances, and wires that the test controls. */
class Model {
  readonly clock = new FakeClock();
  readonly database = new ModelDatabase();
  readonly wires = new Switchboard();
  readonly shared = new Map<string, Entry<string>>();
  readonly instances = [new Instance(this), new Instance(this)] as const;
  logFails = false;
  loadsFail = false;
  /** The committed values and their times, in order. The values are growing numbers. */
  readonly history: { value: number; atMs: number }[] = [{ value: 0, atMs: -Infinity }];

  get value(): number {
    return this.history.at(-1)!.value;
  }

  /** The oldest value that a read which begins now may return, on any instance. */
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
  constructor(private readonly model: Model) {
    super();
  }

  override async read(previous: Snapshot | undefined): Promise<ChangeBatch> {
    return this.model.wires.through(() => {
      if (this.model.logFails) throw new Down();
      return this.model.database.changesSince(previous);
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
  constructor(private readonly model: Model) {}

  get(key: string): Promise<Entry<string> | undefined> {
    return this.model.wires.through(() => this.model.shared.get(key));
  }

  async set(key: string, entry: Entry<string>): Promise<void> {
    await this.model.wires.through(() => this.model.shared.set(key, entry));
  }

  async delete(key: string): Promise<void> {
    await this.model.wires.through(() => this.model.shared.delete(key));
  }
}

class Instance {
  readonly log: ChangeLog;
  readonly #cache: CoherentCache<string>;
  readonly #lookup: Lookup<string>;
  /** The newest value whose change this instance has answered. */
  #answered = 0;

  constructor(private readonly model: Model) {
    const window = new ChangeWindow();
    const lease = new Lease(DELTA_MS, model.clock);
    const memory = new MemoryTier<string>({ maxEntries: 10, maxBytes: 100_000 });
    this.log = new ChangeLog(new Source(model), window, lease, {
      pollIntervalMs: 1e9,
      catchUpTimeoutMs: 60_000,
    });
    this.#cache = new CoherentCache({
      memory,
      remote: new SharedTier(model),
      log: this.log,
      clock: model.clock,
      ttlMs: 300_000,
      staleIfDownMs: STALE_IF_DOWN_MS,
      isDown: (error) => error instanceof Down,
    });
    this.#lookup = {
      key: 'key',
      tags: ['key'],
      load: async () => {
        const sentAtMs = model.clock.monotonicMs();
        const { value, stamp } = await model.wires.through(() => {
          if (model.loadsFail) throw new Down();
          return model.database.read('key');
        });
        return { value, stamp, sentAtMs };
      },
    };
  }

  async read(how: 'read' | 'bypass'): Promise<void> {
    const { oldestAllowed, value: newest } = this.model;
    const answered = this.#answered;
    try {
      const { value, origin } = await this.#cache[how](this.#lookup);
      const got = Number(value ?? 0);
      if (how === 'bypass') expect(got).toBeGreaterThanOrEqual(newest);
      if (origin !== 'stale') expect(got).toBeGreaterThanOrEqual(oldestAllowed);
      // Even with failures: a read after an answered write returns at least that write.
      expect(got).toBeGreaterThanOrEqual(answered);
    } catch (error) {
      if (!(error instanceof Down) && !(error instanceof EpochMismatch)) throw error;
    }
  }

  async change(): Promise<void> {
    this.model.commit();
    const { value } = this.model;
    await Promise.all([this.log.catchUp(), this.#cache.invalidate('key')]);
    this.#answered = Math.max(this.#answered, value);
  }
}

async function live(steps: readonly Step[]): Promise<void> {
  const model = new Model();
  const running: Promise<void>[] = model.instances.map(({ log }) => log.start());
  for (const step of steps) {
    switch (step.do) {
      case 'read':
      case 'bypass':
        running.push(model.instances[step.instance]!.read(step.do));
        break;
      case 'poll':
        // As at the interval, where a failure does not revoke the lease.
        running.push(model.instances[step.instance]!.log.start());
        break;
      case 'change':
        running.push(model.instances[step.instance]!.change());
        break;
      case 'begin':
        model.database.begin();
        break;
      case 'commit':
        if (model.database.open.length > 0) model.commit(model.database.open[0]);
        break;
      case 'prune':
      case 'crash':
        model.database[step.do]();
        break;
      case 'log fails':
        model.logFails = !model.logFails;
        break;
      case 'loads fail':
        model.loadsFail = !model.loadsFail;
        break;
      case 'wire':
        await model.wires.step(step.which);
        break;
      case 'pass':
        model.clock.advance(step.ms);
        break;
      case 'sleep':
        model.clock.jump(step.ms);
    }
  }
  const ended = Promise.all(running);
  ended.catch(() => undefined); // it is awaited below, when nothing is on its way any more
  await model.wires.drain();
  await ended;
  const stopped = Promise.all(model.instances.map(({ log }) => log.stop()));
  await model.wires.drain();
  await stopped;
}

describe('CoherentCache over wires that delay and reorder messages', () => {
  it('CoherentCache holds read-your-writes, bounded staleness and bypass in any order of messages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aStep, { maxLength: 120, size: 'max' }), (steps) => live(steps)),
      { numRuns: 400, interruptAfterTimeLimit: 4_000 },
    );
  });
});
