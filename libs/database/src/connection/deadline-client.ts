import { isNativeError } from 'node:util/types';
import { Client, type ClientConfig, type QueryResult } from 'pg';
import { cancelStatement } from './cancel-statement.js';
import { refusesStartupParameters, StartupParameters } from './startup-parameters.js';

/** After which part of its time a statement is cancelled from here. The server does so a little earlier, if it can. */
const CANCEL_AFTER = 0.95;

/**
 * A connection whose reply did not come in time is given up. node-postgres only stops waiting: the connection
 * would go back to the pool with a statement still running on it, and the next one would wait behind that.
 *
 * Emits `silence` then: a server that works would have ended the statement by itself, or by our asking. It is asked
 * because a pooler before it may not have let the time-outs through; see `StartupParameters`.
 */
export class DeadlineClient extends Client {
  readonly #parameters: StartupParameters;

  constructor(config?: string | ClientConfig) {
    super(config);
    this.#parameters = new StartupParameters(this.#internals.connectionParameters);
    // A lost connection fails the statement that runs on it; in a moment at which nobody listens, as on the way back
    // into the pool, it must not end the process.
    this.on('error', () => undefined);
  }

  /** What node-postgres sends first. */
  getStartupConf(): Record<string, string> {
    return this.#parameters.accepted(STARTUP_CONF.call(this));
  }

  override connect(): Promise<Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<Client> | void {
    if (!callback) {
      return new Promise((resolve, reject) => {
        this.connect((error: Error | null) => (error ? reject(error) : resolve(this)));
      });
    }
    super.connect((error: Error | null) => {
      if (refusesStartupParameters(error)) this.#parameters.refused();
      callback(error!);
    });
  }

  // The overloads of node-postgres cannot be repeated; callers see the type of `Client`.
  override query(...[sql, ...rest]: unknown[]): never {
    const args = [sql === START_TRANSACTION ? this.#parameters.startTransaction(sql) : sql, ...rest];
    const result = Reflect.apply(super.query.bind(this), this, args) as unknown;
    if (result instanceof Promise) this.#watch(result as Promise<QueryResult>);
    return result as never;
  }

  #watch(result: Promise<QueryResult>): void {
    const deadlineMs = Number(this.#internals.connectionParameters.query_timeout) || Infinity;
    const cancelling =
      deadlineMs < Infinity ? setTimeout(() => this.#cancel(), deadlineMs * CANCEL_AFTER) : undefined;
    result.then(
      () => clearTimeout(cancelling),
      (error: unknown) => {
        clearTimeout(cancelling);
        if (isReadTimeout(error)) this.#abandon();
      },
    );
  }

  #cancel(): void {
    // It may reach the server when that is through with the statement, and must not hit the next one.
    this.#internals._queryable = false;
    cancelStatement(this);
  }

  #abandon(): void {
    this.#internals._queryable = false; // or the pool hands it to the next in line before it hears that it is closed
    this.#internals.connection.stream.destroy();
    this.emit('silence');
  }

  get #internals(): Internals {
    return this as unknown as Internals;
  }
}

/** As TypeORM puts it. */
const START_TRANSACTION = 'START TRANSACTION';

const STARTUP_CONF = Reflect.get(Client.prototype, 'getStartupConf') as (
  this: Client,
) => Record<string, string>;

/** Of node-postgres' `Client`: what its pool looks at too, and what it was configured with. */
interface Internals {
  _queryable: boolean;
  connection: { stream: { destroy(): void } };
  connectionParameters: Record<string, unknown>;
}

export function isReadTimeout(error: unknown): boolean {
  return isNativeError(error) && error.message === 'Query read timeout';
}
