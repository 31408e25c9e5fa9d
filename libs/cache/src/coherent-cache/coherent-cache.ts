import { type StalenessSampler } from './staleness-sampler.js';
import { type Clock } from '../clock.js';
import { type ChangeLog } from '../coherence/change-log.js';
import { type ChangeWindow } from '../coherence/change-window.js';
import { type Lease } from '../coherence/lease.js';
import { type CacheTier, type Entry } from '../tiers/cache-tier.js';
import { type Loaded } from '../coherence/snapshot.js';
import { SingleFlight } from './single-flight.js';
import { type MemoryTier } from '../tiers/memory-tier.js';

/** Where an answer came from. `bypass`: the caller demanded the truth. `stale`: the database was out of reach. */
export type Origin = 'memory' | 'redis' | 'postgres' | 'bypass' | 'stale';

export interface Answer<V> {
  readonly value: V | null;
  readonly origin: Origin;
}

export interface Lookup<V> {
  readonly key: string;
  /** What changes of the value are logged under. */
  readonly tags: readonly string[];
  /** Asks the database, within a deadline. */
  readonly load: () => Promise<Loaded<V>>;
  /** The same, if `load()` does more than to ask: an audit must leave no trace. */
  readonly recheck?: () => Promise<Loaded<V>>;
}

export interface CoherentCacheOptions {
  ttlMs: number;
  /** How long after the lease lapsed an entry may stand in for a database that is out of reach. */
  staleIfDownMs: number;
  /** Whether an error of `load()` means that the database is out of reach, rather than that the load is wrong. */
  isDown: (error: unknown) => boolean;
}

interface Outcome<V> extends Answer<V>, Loaded<V> {}

/** Loads before we give up finding one from the server whose change log is followed. */
const LOADS = 3;

/**
 * A cache whose answers are bounded in age by proof rather than by hope: an entry is served only while the change
 * log was looked at within Δ and nothing in it contradicts the snapshot the entry was read in.
 *
 * Neither the tiers nor notifications are trusted. They may lose, delay, reorder or resurrect whatever they like;
 * what they hold is judged by its stamp on every read. The remote tier gives back only what an instance of ours wrote
 * (see `EntryCodec`), and that is refused while it has seen more than our last look at the log.
 */
export class CoherentCache<V extends object | string> {
  readonly #flights = new SingleFlight<Outcome<V>>();

  constructor(
    private readonly memory: MemoryTier<V>,
    /** Must not reject: see `BreakerTier`. */
    private readonly remote: CacheTier<V> | undefined,
    private readonly window: ChangeWindow,
    private readonly lease: Lease,
    private readonly log: ChangeLog,
    private readonly clock: Clock,
    private readonly options: CoherentCacheOptions,
    private readonly auditor?: StalenessSampler,
  ) {}

  /** What is in this process's memory if it may be served; `undefined` when another tier has to be asked. */
  peek(key: string): Entry<V> | undefined {
    return this.lease.holds() ? this.#held(key) : undefined;
  }

  /**
   * The value, no older than Δ at the start of the call.
   *
   * @throws what `load()` throws, or EpochMismatch, when no tier can stand in
   */
  async read(subject: Lookup<V>): Promise<Answer<V>> {
    const held = this.peek(subject.key);
    if (held) {
      this.#serves(subject, held);
      return { value: held.value, origin: 'memory' };
    }
    const askedAtMs = this.clock.monotonicMs();
    const joins = this.#flights.has(subject.key);
    try {
      let outcome = await this.#fly(subject);
      // What we joined may have set out before a change that we must not miss. Any flight that is under way now
      // began after it had ended, and so after we asked.
      if (joins && !this.#answers(outcome, subject.tags, askedAtMs)) outcome = await this.#fly(subject);
      return { value: outcome.value, origin: outcome.origin };
    } catch (error) {
      const stale = this.options.isDown(error) ? await this.#staleFallback(subject) : undefined;
      if (stale) return stale;
      throw error;
    }
  }

  /**
   * The value as the database has it now; whatever is cached is neither believed nor left behind.
   *
   * @throws what `load()` throws, or EpochMismatch
   */
  async bypass(subject: Lookup<V>): Promise<Answer<V>> {
    const { value } = await this.#load(subject);
    return { value, origin: 'bypass' };
  }

  /** Offers a value that was loaded on other business to the tiers. */
  keep(subject: Pick<Lookup<V>, 'key' | 'tags'>, loaded: Loaded<V>): void {
    const entry = this.#keepHere(subject, loaded);
    if (entry === undefined) return;
    const { key } = subject;
    // Nobody waits for it: a request has its answer already, and a late or lost write is harmless.
    void this.remote?.set(key, entry, this.#jitteredTtlMs());
  }

  /** Drops the key from every tier, as a courtesy to memory: coherence does not come from it. */
  async invalidate(key: string): Promise<void> {
    this.memory.delete(key);
    // Whoever reads after a change would wait for the load that is under way only to need another.
    this.#flights.forget(key);
    await this.remote?.delete(key);
  }

  /** @returns what was offered to memory; `undefined` when it may not be kept */
  #keepHere(
    { key, tags }: Pick<Lookup<V>, 'key' | 'tags'>,
    { value, stamp }: Loaded<V>,
  ): Entry<V> | undefined {
    if (stamp === undefined || !this.window.admits(stamp, tags)) return undefined;
    const entry = { value: freeze(value), stamp };
    this.#hold(key, tags, entry);
    return entry;
  }

  #fly(subject: Lookup<V>): Promise<Outcome<V>> {
    return this.#flights.do(subject.key, () => this.#fetch(subject));
  }

  async #fetch(subject: Lookup<V>): Promise<Outcome<V>> {
    if (this.remote && this.lease.holds()) {
      const entry = await this.remote.get(subject.key);
      // Judged after the wait, so it holds for everyone who joined meanwhile.
      if (entry && this.lease.holds() && this.window.admits(entry.stamp, subject.tags)) {
        if (!this.window.covers(entry.stamp)) {
          // Left in place: another instance may have looked since. Replacing it with a newer entry would make two
          // instances replace each other's entries for as long as writes come.
          return { ...(await this.#load(subject, 'here')), origin: 'postgres' };
        }
        this.#hold(subject.key, subject.tags, { value: freeze(entry.value), stamp: entry.stamp });
        this.#serves(subject, entry);
        return { ...entry, origin: 'redis', sentAtMs: this.clock.monotonicMs() };
      }
    }
    return { ...(await this.#load(subject)), origin: 'postgres' };
  }

  #serves({ key, tags, load, recheck = load }: Lookup<V>, entry: Entry<V>): void {
    if (this.auditor?.draws()) this.auditor.compare({ key, tags, recheck, entry });
  }

  /**
   * Asks the database, and makes sure that it is the one whose change log we follow: after a fail-over the pool may
   * still hold a connection to the server that is no longer in force, or have found the new one before the log did.
   */
  async #load(subject: Lookup<V>, keep: 'everywhere' | 'here' = 'everywhere'): Promise<Loaded<V>> {
    for (let attempt = 1; attempt <= LOADS; attempt++) {
      const loaded = await subject.load();
      if (this.#isForeign(loaded)) await this.log.catchUp();
      if (this.#isForeign(loaded)) continue;
      if (keep === 'here') this.#keepHere(subject, loaded);
      else this.keep(subject, loaded);
      return { ...loaded, value: freeze(loaded.value) };
    }
    throw new EpochMismatch();
  }

  /** Without the lease nobody knows which database is in force, and the one that answers is taken for it. */
  #isForeign({ stamp }: Loaded<V>): boolean {
    return stamp !== undefined && stamp.epoch !== this.window.epoch && this.lease.holds();
  }

  /** Whether the outcome of a flight that was under way keeps the promise to a call made at `askedAtMs`. */
  #answers({ stamp, sentAtMs }: Outcome<V>, tags: readonly string[], askedAtMs: number): boolean {
    // Asked of the database, or judged, after the call. Δ gives no leave to take an earlier one when the lease does
    // not hold: across a suspension the monotonic clock cannot tell how much earlier.
    if (sentAtMs > askedAtMs) return true;
    return stamp !== undefined && this.lease.holds() && this.window.admits(stamp, tags);
  }

  /** An entry that nothing known contradicts, for a while after the log could last be read. */
  async #staleFallback({ key, tags }: Lookup<V>): Promise<Answer<V> | undefined> {
    const allowed = (): boolean =>
      this.options.staleIfDownMs > 0 && this.lease.heldWithin(this.options.staleIfDownMs);
    if (!allowed()) return undefined;
    const held = this.#held(key);
    // What others say has changed is believed for refusing: they may have seen what we cannot.
    if (held && this.log.announcementContradicts(held.stamp, tags)) return undefined;
    if (held) return { value: held.value, origin: 'stale' };
    const entry = await this.remote?.get(key);
    if (!entry || !allowed() || !this.window.admits(entry.stamp, tags)) return undefined;
    if (!this.window.covers(entry.stamp) || this.log.announcementContradicts(entry.stamp, tags))
      return undefined;
    return { value: freeze(entry.value), origin: 'stale' };
  }

  #held(key: string): Entry<V> | undefined {
    const held = this.memory.get(key);
    if (held === undefined) return undefined;
    if (held.judgedAt !== this.window.version) {
      if (!this.window.admits(held.stamp, held.tags)) {
        this.memory.delete(key);
        return undefined;
      }
      held.judgedAt = this.window.version;
    }
    return held;
  }

  #hold(key: string, tags: readonly string[], { value, stamp }: Entry<V>): void {
    // A slow reader must not put back what a faster one has already replaced.
    const held = this.#held(key);
    if (held && !stamp.snapshot.includes(held.stamp.snapshot)) return;
    this.memory.set(key, { value, stamp, tags, judgedAt: this.window.version }, this.#jitteredTtlMs());
  }

  /** Up to a tenth less than the TTL, so that what was filled together does not expire together. */
  #jitteredTtlMs(): number {
    return this.options.ttlMs * (1 - Math.random() / 10);
  }
}

function freeze<V>(value: V): V {
  return Object.freeze(value);
}

/**
 * The value and the change log come from two databases, or two lives of one, and a second look did not settle which
 * of them is in force: connections that outlived a fail-over, for example. Either may be the one that lags, so
 * there is no answer that could be vouched for.
 */
export class EpochMismatch extends Error {
  readonly code = 'database.unavailable';
  override readonly name = 'EpochMismatch';
  readonly retryAfterSeconds = 1;

  constructor() {
    super('Reads and the change log reach different databases.');
  }
}

/** From best to worst. */
const ORIGINS: readonly Origin[] = ['memory', 'redis', 'postgres', 'bypass', 'stale'];

/** Where something came from that took two look-ups. */
export function combineOrigins(a: Origin, b: Origin): Origin {
  return ORIGINS.indexOf(a) > ORIGINS.indexOf(b) ? a : b;
}
