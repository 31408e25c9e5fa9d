import { type Clock } from '../clock.js';
import { type ChangeLog } from '../coherence/change-log.js';
import { type ChangeWindow } from '../coherence/change-window.js';
import { type Lease } from '../coherence/lease.js';
import { type Loaded } from '../coherence/snapshot.js';
import { type CacheTier, type Entry } from '../tiers/cache-tier.js';
import { type MemoryTier } from '../tiers/memory-tier.js';
import { type Answer, type Lookup } from './lookup.js';
import { SingleFlight } from './single-flight.js';
import { type StalenessSampler } from './staleness-sampler.js';

export interface CoherentCacheOptions<V extends object | string> {
  memory: MemoryTier<V>;
  /** Shared by all instances. It must not reject: see `BreakerTier`. */
  remote?: CacheTier<V> | undefined;
  /** Its window and its lease decide which entries may be served. */
  log: ChangeLog;
  clock: Clock;
  sampler?: StalenessSampler;
  ttlMs: number;
  /** How long after the lease ran out an entry may be served while the database is out of reach. */
  staleIfDownMs: number;
  /** Whether an error of `load()` means that the database is out of reach, rather than that the load is wrong. */
  isDown: (error: unknown) => boolean;
}

/**
 * The value and the change log come from two databases, or from two lives of one, and polling again did not settle
 * which of them is in force. Connections that outlived a fail-over cause this. Either side may be the outdated one.
 */
export class EpochMismatch extends Error {
  readonly code = 'database.unavailable';
  override readonly name = 'EpochMismatch';
  readonly retryAfterSeconds = 1;

  constructor() {
    super('Reads and the change log reach different databases.');
  }
}

interface Outcome<V> extends Answer<V>, Loaded<V> {}

/** How often a value is loaded until it comes from the server whose change log is followed. */
const MAX_LOADS = 3;

/**
 * A cache that serves an entry only if the change log was polled within Δ and nothing in it contradicts the snapshot
 * that the entry was read in.
 *
 * Neither the tiers nor notifications are trusted: they may lose, delay, reorder or bring back anything. Every read
 * checks the entry's stamp. The remote tier returns only what one of our instances wrote (see `EntryCodec`), and such
 * an entry is refused while its snapshot is newer than our last poll.
 */
export class CoherentCache<V extends object | string> {
  readonly #options: CoherentCacheOptions<V>;
  readonly #memory: MemoryTier<V>;
  readonly #remote: CacheTier<V> | undefined;
  readonly #log: ChangeLog;
  readonly #window: ChangeWindow;
  readonly #lease: Lease;
  readonly #flights = new SingleFlight<Outcome<V>>();

  constructor(options: CoherentCacheOptions<V>) {
    this.#options = options;
    this.#memory = options.memory;
    this.#remote = options.remote;
    this.#log = options.log;
    this.#window = options.log.window;
    this.#lease = options.log.lease;
  }

  /** What this process's memory may serve; `undefined` when another tier has to be asked. */
  peek(key: string): Entry<V> | undefined {
    return this.#lease.holds() ? this.#held(key) : undefined;
  }

  /**
   * The value, no older than Δ at the start of the call.
   *
   * @throws what `load()` throws, or EpochMismatch, when there is no stale fallback
   */
  async read(lookup: Lookup<V>): Promise<Answer<V>> {
    const held = this.peek(lookup.key);
    if (held) {
      this.#sample(lookup, held);
      return { value: held.value, origin: 'memory' };
    }
    const askedAtMs = this.#options.clock.monotonicMs();
    const joins = this.#flights.has(lookup.key);
    try {
      let outcome = await this.#fly(lookup);
      // A flight that we joined may have started before a change that this call must see. Any flight that runs now
      // started after that one ended, and so after this call.
      if (joins && !this.#answers(outcome, lookup.tags, askedAtMs)) outcome = await this.#fly(lookup);
      return { value: outcome.value, origin: outcome.origin };
    } catch (error) {
      const stale = this.#options.isDown(error) ? await this.#staleFallback(lookup) : undefined;
      if (stale) return stale;
      throw error;
    }
  }

  /**
   * The value as the database has it now. Cached entries are not used, and are replaced.
   *
   * @throws what `load()` throws, or EpochMismatch
   */
  async bypass(lookup: Lookup<V>): Promise<Answer<V>> {
    const { value } = await this.#load(lookup);
    return { value, origin: 'bypass' };
  }

  /** Offers a value that was loaded for another reason to the tiers. */
  keep(lookup: Pick<Lookup<V>, 'key' | 'tags'>, loaded: Loaded<V>): void {
    const entry = this.#keepHere(lookup, loaded);
    if (entry === undefined) return;
    // Not awaited: the request has its answer, and a late or lost write is harmless.
    void this.#remote?.set(lookup.key, entry, this.#jitteredTtlMs());
  }

  /** Drops the key from every tier, to free memory and to save a check. Coherence does not depend on it. */
  async invalidate(key: string): Promise<void> {
    this.#memory.delete(key);
    // A read after the change would wait for the load under way, and then need another.
    this.#flights.forget(key);
    await this.#remote?.delete(key);
  }

  /** @returns what was offered to memory; `undefined` when it may not be kept */
  #keepHere(
    { key, tags }: Pick<Lookup<V>, 'key' | 'tags'>,
    { value, stamp }: Loaded<V>,
  ): Entry<V> | undefined {
    if (stamp === undefined || !this.#window.admits(stamp, tags)) return undefined;
    const entry = { value: freeze(value), stamp };
    this.#hold(key, tags, entry);
    return entry;
  }

  #fly(lookup: Lookup<V>): Promise<Outcome<V>> {
    return this.#flights.do(lookup.key, () => this.#fetch(lookup));
  }

  async #fetch(lookup: Lookup<V>): Promise<Outcome<V>> {
    if (this.#remote && this.#lease.holds()) {
      const entry = await this.#remote.get(lookup.key);
      // Checked after the wait, so that it holds for every call that joined meanwhile.
      if (entry && this.#lease.holds() && this.#window.admits(entry.stamp, lookup.tags)) {
        if (!this.#window.covers(entry.stamp)) {
          // Left in place: another instance may have polled since. If each replaced it with its own newer entry, two
          // instances would replace each other's entries for as long as writes come.
          return { ...(await this.#load(lookup, 'here')), origin: 'postgres' };
        }
        this.#hold(lookup.key, lookup.tags, { value: freeze(entry.value), stamp: entry.stamp });
        this.#sample(lookup, entry);
        return { ...entry, origin: 'redis', sentAtMs: this.#options.clock.monotonicMs() };
      }
    }
    return { ...(await this.#load(lookup)), origin: 'postgres' };
  }

  #sample({ key, tags, load, recheck = load }: Lookup<V>, entry: Entry<V>): void {
    const { sampler } = this.#options;
    if (sampler?.draws()) sampler.compare({ key, tags, recheck, entry });
  }

  /**
   * Asks the database, and makes sure that it is the one whose change log is followed. After a fail-over the pool may
   * still hold a connection to the old server, or may have found the new one before the change log did.
   */
  async #load(lookup: Lookup<V>, keep: 'everywhere' | 'here' = 'everywhere'): Promise<Loaded<V>> {
    for (let attempt = 1; attempt <= MAX_LOADS; attempt++) {
      const loaded = await lookup.load();
      if (this.#isForeign(loaded)) await this.#log.catchUp();
      if (this.#isForeign(loaded)) continue;
      if (keep === 'here') this.#keepHere(lookup, loaded);
      else this.keep(lookup, loaded);
      return { ...loaded, value: freeze(loaded.value) };
    }
    throw new EpochMismatch();
  }

  /** Without the lease the database in force is unknown, so the one that answers counts as it. */
  #isForeign({ stamp }: Loaded<V>): boolean {
    return stamp !== undefined && stamp.epoch !== this.#window.epoch && this.#lease.holds();
  }

  /** Whether the outcome of a joined flight is fresh enough for a call made at `askedAtMs`. */
  #answers({ stamp, sentAtMs }: Outcome<V>, tags: readonly string[], askedAtMs: number): boolean {
    // Loaded or checked after the call. Without the lease an earlier outcome is refused even within Δ: after a
    // suspension the monotonic clock cannot tell how much earlier it is.
    if (sentAtMs > askedAtMs) return true;
    return stamp !== undefined && this.#lease.holds() && this.#window.admits(stamp, tags);
  }

  /** An entry that nothing known contradicts, for `staleIfDownMs` after the lease ran out. */
  async #staleFallback({ key, tags }: Lookup<V>): Promise<Answer<V> | undefined> {
    const { staleIfDownMs } = this.#options;
    const allowed = (): boolean => staleIfDownMs > 0 && this.#lease.heldWithin(staleIfDownMs);
    if (!allowed()) return undefined;
    const held = this.#held(key);
    // Announcements of other instances are trusted here, because they can only refuse an entry.
    if (held && this.#log.announcementContradicts(held.stamp, tags)) return undefined;
    if (held) return { value: held.value, origin: 'stale' };
    const entry = await this.#remote?.get(key);
    if (!entry || !allowed() || !this.#window.admits(entry.stamp, tags)) return undefined;
    if (!this.#window.covers(entry.stamp) || this.#log.announcementContradicts(entry.stamp, tags))
      return undefined;
    return { value: freeze(entry.value), origin: 'stale' };
  }

  #held(key: string): Entry<V> | undefined {
    const held = this.#memory.get(key);
    if (held === undefined) return undefined;
    if (held.checkedAtVersion !== this.#window.version) {
      if (!this.#window.admits(held.stamp, held.tags)) {
        this.#memory.delete(key);
        return undefined;
      }
      held.checkedAtVersion = this.#window.version;
    }
    return held;
  }

  #hold(key: string, tags: readonly string[], { value, stamp }: Entry<V>): void {
    // A slow reader must not put back what a faster one has replaced.
    const held = this.#held(key);
    if (held && !stamp.snapshot.includes(held.stamp.snapshot)) return;
    const entry = { value, stamp, tags, checkedAtVersion: this.#window.version };
    this.#memory.set(key, entry, this.#jitteredTtlMs());
  }

  /** Up to a tenth less than the TTL, so that entries filled together do not expire together. */
  #jitteredTtlMs(): number {
    return this.#options.ttlMs * (1 - Math.random() / 10);
  }
}

function freeze<V>(value: V): V {
  return Object.freeze(value);
}
