import { isNativeError } from 'node:util/types';
import { Client, type ClientConfig, Connection, type QueryResult } from 'pg';
import { refusesStartupParameters, StartupParameters } from './startup-parameters.js';

/** The part of its time after which the client cancels a statement, where the server keeps no time-out. */
const CANCEL_AFTER = 0.8;
/** The same where the server keeps a time-out too, which should come first. */
const CANCEL_AFTER_SERVER = 0.9;

/**
 * Gives up a connection whose reply did not come in time. node-postgres only stops waiting: the connection would go back to
 * the pool with a statement still running, and the next statement would wait behind it.
 *
 * Emits `silence` then: a working server would have ended the statement by itself, or on request. The client requests that,
 * because a pooler may not pass the time-outs on; see `StartupParameters`.
 *
 * A cancelled statement may still succeed. With a synchronous standby, a commit waits for its confirmation, and a cancel ends
 * the wait, not the commit: PostgreSQL then reports success for a commit that a fail-over would lose. So a COMMIT is never
 * cancelled, and a success that may have come about in this way is reported as a time-out: the outcome is unknown.
 *
 * @see https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION-HA
 */
export class DeadlineClient extends Client {
  readonly #parameters: StartupParameters;
  /** The server has warned that the standby has not confirmed the running statement. */
  #unreplicated = false;

  constructor(config?: string | ClientConfig) {
    super(config);
    this.#parameters = new StartupParameters(this.#internals.connectionParameters);
    // A lost connection fails the statement that runs on it. While no statement runs, as on the way back into the pool,
    // the event must not end the process.
    this.on('error', () => undefined);
    this.on('notice', (notice) => (this.#unreplicated ||= notice.routine === GAVE_UP_ON_STANDBY));
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
    const watched: unknown =
      result instanceof Promise ? this.#watch(textOf(sql), result as Promise<QueryResult>) : result;
    return watched as never;
  }

  #watch(text: string, result: Promise<QueryResult>): Promise<QueryResult> {
    const deadlineMs = Number(this.#internals.connectionParameters.query_timeout) || Infinity;
    const commits = COMMIT.test(text);
    let cancelled = false;
    const cancel = (): void => {
      cancelled = true;
      this.#cancel();
    };
    // A transaction carries the server's limits along.
    const kept = this.#parameters.kept || this.getTransactionStatus() === 'T';
    const cancelling =
      deadlineMs < Infinity && !commits
        ? setTimeout(cancel, deadlineMs * (kept ? CANCEL_AFTER_SERVER : CANCEL_AFTER))
        : undefined;
    return result.then(
      (answer) => {
        clearTimeout(cancelling);
        const doubtful = this.#unreplicated || (cancelled && !SELECT.test(text));
        this.#unreplicated = false;
        if (doubtful) throw new Error(READ_TIMEOUT);
        return answer;
      },
      (error: unknown) => {
        clearTimeout(cancelling);
        this.#unreplicated = false;
        // A COMMIT is not cancelled, so the server may work and wait for its standby.
        if (isReadTimeout(error)) this.#abandon({ silent: !commits });
        throw error;
      },
    );
  }

  #cancel(): void {
    // The request may reach the server after the statement has ended, and must not hit the next one.
    this.#internals._queryable = false;
    cancelStatement(this);
  }

  #abandon({ silent }: { silent: boolean }): void {
    this.#internals._queryable = false; // or the pool hands it to the next in line before it hears that it is closed
    this.#internals.connection.stream.destroy();
    if (silent) this.emit('silence');
  }

  get #internals(): Internals {
    return this as unknown as Internals;
  }
}

/** As TypeORM puts it. */
const START_TRANSACTION = 'START TRANSACTION';

const COMMIT = /(^|;)\s*(COMMIT|END)\b/i;
const SELECT = /^\s*SELECT\b/i;

/** The routine in PostgreSQL's source that gives that warning; its text is in the language of the server. */
const GAVE_UP_ON_STANDBY = 'SyncRepWaitForLSN';

/** node-postgres' own text. */
const READ_TIMEOUT = 'Query read timeout';

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
  return isNativeError(error) && error.message === READ_TIMEOUT;
}

/** The text of a statement in any form that node-postgres takes. */
function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  const text = (statement as { text?: unknown } | null)?.text;
  return typeof text === 'string' ? text : '';
}

/** The request is useless once the statement has timed out here. */
const MOST_MS = 2_000;

/**
 * Asks the server to cancel what runs on a connection. The request goes over a connection of its own and has no answer;
 * the statement fails with SQLSTATE 57014 if it was still running. Poolers hand it on.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function cancelStatement(client: Client): void {
  const { processID, secretKey, host, port, ssl, sslNegotiation } = client as unknown as Target;
  const connection = new Connection({ ssl, sslNegotiation } as object) as unknown as Wire;
  const close = (): void => {
    clearTimeout(limit);
    connection.stream.destroy();
  };
  const limit = setTimeout(close, MOST_MS).unref(); // nor does the process stay for it
  const cancel = (): void => connection.cancel(processID, secretKey);
  connection.on('error', close);
  connection.on('end', close); // the server closes it when it has passed the request on
  connection.on('connect', () => {
    if (!ssl) cancel();
    else if (sslNegotiation !== 'direct') connection.requestSsl();
  });
  connection.on('sslconnect', cancel);
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
  connection.stream.unref();
}

/** Of node-postgres' `Client`. */
interface Target {
  processID: number;
  secretKey: number;
  host: string;
  port: number;
  ssl: boolean | object;
  sslNegotiation: string;
}

/** Of node-postgres' `Connection`. */
interface Wire {
  stream: { destroy(): void; unref(): void };
  on(event: 'connect' | 'sslconnect' | 'error' | 'end', listener: () => void): void;
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
}
