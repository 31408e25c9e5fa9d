import { DatabaseBusy } from './database-error.js';

export interface StatementBatcherOptions {
  /** Statements that run at one time. */
  maxConcurrent: number;
  /** Items in one statement. */
  maxBatch: number;
  /** Items that may wait; one more is refused. */
  maxWaiting: number;
  /** An item that waited longer for its statement is refused, in milliseconds. Absent: it waits as long as it takes. */
  maxWaitMs?: number;
}

interface Waiting<R> {
  readonly sinceMs: number;
  readonly promise: Promise<R>;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers reads or writes into few statements: while `maxConcurrent` run, items wait, and the next statement takes
 * all of them (for writes: group commit). An idle batcher sends a lone item at once. It also is a bulkhead: a crowd
 * of requests takes no more than `maxConcurrent` connections.
 *
 * Equal items that wait at the same time are one item; objects are equal only to themselves.
 */
export class StatementBatcher<T, R = void> {
  readonly #waiting = new Map<T, Waiting<R>>();
  readonly #running = new Set<Promise<void>>();

  constructor(
    /** Runs one statement for all items. Resolves with the function that gives each item its result. */
    private readonly run: (items: readonly T[]) => Promise<(item: T) => R>,
    private readonly options: StatementBatcherOptions,
  ) {}

  /** For writes, whose items have no result. */
  static forWrites<T>(
    write: (items: readonly T[]) => Promise<void>,
    options: StatementBatcherOptions,
  ): StatementBatcher<T> {
    return new StatementBatcher<T>(async (items) => {
      await write(items);
      return () => undefined;
    }, options);
  }

  /** @throws DatabaseBusy, or what `run` throws */
  add(item: T): Promise<R> {
    // Not sent yet, so its snapshot will be newer than this call: sharing it is safe.
    const gathered = this.#waiting.get(item);
    if (gathered) return gathered.promise;
    if (this.#waiting.size >= this.options.maxWaiting) return Promise.reject(new DatabaseBusy());
    const waiting = defer<R>();
    this.#waiting.set(item, waiting);
    this.#sendNext();
    return waiting.promise;
  }

  /** Resolves when no item waits and no statement runs. */
  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #sendNext(): void {
    while (this.#running.size < this.options.maxConcurrent) {
      const batch = this.#takeBatch();
      if (batch.size === 0) return;
      const sent = this.#send(batch).finally(() => {
        this.#running.delete(sent);
        this.#sendNext();
      });
      this.#running.add(sent);
    }
  }

  #takeBatch(): Map<T, Waiting<R>> {
    const { maxBatch, maxWaitMs = Infinity } = this.options;
    const batch = new Map<T, Waiting<R>>();
    const oldestMs = performance.now() - maxWaitMs;
    for (const [item, waiting] of this.#waiting) {
      if (batch.size === maxBatch) break;
      this.#waiting.delete(item);
      if (waiting.sinceMs < oldestMs) waiting.reject(new DatabaseBusy());
      else batch.set(item, waiting);
    }
    return batch;
  }

  async #send(batch: Map<T, Waiting<R>>): Promise<void> {
    try {
      const resultOf = await this.run([...batch.keys()]);
      for (const [item, { resolve }] of batch) resolve(resultOf(item));
    } catch (error) {
      for (const { reject } of batch.values()) reject(error);
    }
  }
}

function defer<R>(): Waiting<R> {
  let resolve!: (result: R) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<R>((onResult, onError) => {
    resolve = onResult;
    reject = onError;
  });
  return { sinceMs: performance.now(), promise, resolve, reject };
}
