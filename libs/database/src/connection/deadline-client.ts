import { Client, type QueryResult } from 'pg';

/**
 * A connection whose reply did not come in time is given up. node-postgres only stops waiting: the connection
 * would go back to the pool with a statement still running on it, and the next one would wait behind that.
 */
export class DeadlineClient extends Client {
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
    const { connection } = this as unknown as { connection: { stream: { destroy(): void } } };
    connection.stream.destroy();
  }
}

export function isReadTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}
