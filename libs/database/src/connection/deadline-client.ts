import { isNativeError } from 'node:util/types';
import { Client, type ClientConfig, type QueryResult } from 'pg';

/**
 * A connection whose reply did not come in time is given up. node-postgres only stops waiting: the connection
 * would go back to the pool with a statement still running on it, and the next one would wait behind that.
 *
 * Emits `silence` then: a server that works would have cancelled the statement by itself.
 */
export class DeadlineClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    // A lost connection fails the statement that runs on it; in a moment at which nobody listens, as on the way back
    // into the pool, it must not end the process.
    this.on('error', () => undefined);
  }

  // The overloads of node-postgres cannot be repeated; callers see the type of `Client`.
  override query(...args: unknown[]): never {
    const result = Reflect.apply(super.query.bind(this), this, args) as unknown;
    if (result instanceof Promise) {
      (result as Promise<QueryResult>).catch((error: unknown) => {
        if (isReadTimeout(error)) this.#abandon();
      });
    }
    return result as never;
  }

  #abandon(): void {
    const internals = this as unknown as Internals;
    internals._queryable = false; // or the pool hands it to the next in line before it hears that it is closed
    internals.connection.stream.destroy();
    this.emit('silence');
  }
}

/** Of node-postgres' `Client`: what its pool looks at too. */
interface Internals {
  _queryable: boolean;
  connection: { stream: { destroy(): void } };
}

export function isReadTimeout(error: unknown): boolean {
  return isNativeError(error) && error.message === 'Query read timeout';
}
