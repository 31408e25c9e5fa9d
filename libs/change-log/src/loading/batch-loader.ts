/** More loads are waiting than will be served in time. */
export class TooManyLoads extends Error {
  readonly code = 'database.unavailable';
  override readonly name = 'TooManyLoads';
  readonly retryAfterSeconds = 1;

  constructor() {
    super('Too many reads are waiting for the database.');
  }
}

export interface BatchLoaderOptions {
  /** Statements under way at one time. */
  maxConcurrent: number;
  /** Keys in one statement. */
  maxBatch: number;
  /** Keys that may wait; one more is refused. */
  maxWaiting: number;
  /** A key that waited longer for its statement to be sent is refused, in milliseconds. */
  maxWaitMs: number;
}

interface Waiting<R> {
  readonly sinceMs: number;
  readonly promise: Promise<R>;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A bulkhead in front of the database that turns a crowd into few statements: while `maxConcurrent` are under way,
 * keys gather, and the next statement asks for all of them. An idle loader sends a lone key at once.
 */
export class BatchLoader<R> {
  readonly #waiting = new Map<string, Waiting<R>>();
  #running = 0;

  constructor(
    /** Gets what belongs to each key, in one statement. */
    private readonly query: (keys: readonly string[]) => Promise<(key: string) => R>,
    private readonly options: BatchLoaderOptions,
  ) {}

  /** @throws TooManyLoads, or what `query` throws */
  load(key: string): Promise<R> {
    // Not sent yet, so its snapshot will be newer than this call: sharing it is safe.
    const gathered = this.#waiting.get(key);
    if (gathered) return gathered.promise;
    if (this.#waiting.size >= this.options.maxWaiting) return Promise.reject(new TooManyLoads());
    const waiting = defer<R>();
    this.#waiting.set(key, waiting);
    this.#sendNext();
    return waiting.promise;
  }

  #sendNext(): void {
    while (this.#running < this.options.maxConcurrent) {
      const batch = this.#takeBatch();
      if (batch.size === 0) return;
      this.#running++;
      void this.#send(batch).finally(() => {
        this.#running--;
        this.#sendNext();
      });
    }
  }

  #takeBatch(): Map<string, Waiting<R>> {
    const batch = new Map<string, Waiting<R>>();
    const oldestMs = performance.now() - this.options.maxWaitMs;
    for (const [key, waiting] of this.#waiting) {
      if (batch.size === this.options.maxBatch) break;
      this.#waiting.delete(key);
      if (waiting.sinceMs < oldestMs) waiting.reject(new TooManyLoads());
      else batch.set(key, waiting);
    }
    return batch;
  }

  async #send(batch: Map<string, Waiting<R>>): Promise<void> {
    try {
      const resultOf = await this.query([...batch.keys()]);
      for (const [key, { resolve }] of batch) resolve(resultOf(key));
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
