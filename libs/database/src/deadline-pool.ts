import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { DatabaseUnavailable } from './database-error.js';
import { DeadlineClient } from './deadline-client.js';
import { refusesStartupParameters } from './startup-parameters.js';

type Callback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (destroy?: boolean | Error) => void,
) => void;

/** Longer than a request takes from one statement to the next, and short beside the time-out that it saves. */
const QUIET_MS = 250;

/**
 * A pool that fails fast while the server is silent. A server that neither answers nor refuses (a frozen machine, a cut
 * network) costs each statement its whole time-out. So when one statement has timed out, everything that waits for a
 * connection is refused, and for a moment so is everything new.
 */
export class DeadlinePool extends Pool {
  readonly #waiting = new Set<() => void>();
  #quietUntilMs = -Infinity;

  constructor(options: PoolConfig) {
    super({ ...options, Client: DeadlineClient });
    this.on('connect', (client) => client.once('silence', () => this.#fallSilent()));
  }

  override connect(): Promise<PoolClient>;
  override connect(callback: Callback): void;
  override connect(callback?: Callback): Promise<PoolClient> | void {
    if (callback) return this.#connect(callback);
    return new Promise((resolve, reject) => {
      this.#connect((error, client) => (client ? resolve(client) : reject(error!)));
    });
  }

  #connect(callback: Callback): void {
    const sendAway = (): void =>
      callback(new DatabaseUnavailable(new Error(SILENT)), undefined, () => undefined);
    if (performance.now() < this.#quietUntilMs) return process.nextTick(sendAway);
    this.#waiting.add(sendAway);
    this.#place((error, client, release) => {
      const sentAway = !this.#waiting.delete(sendAway);
      if (error && CONNECT_TIMEOUT.test(error.message)) this.#fallSilent();
      if (!sentAway) callback(error, client, release);
      else if (client) process.nextTick(release); // a synchronous release would recurse through all that wait
    });
  }

  /** Tries again without the refused parameters, which the client has noted by then. */
  #place(callback: Callback): void {
    super.connect((error, client, release) => {
      if (refusesStartupParameters(error)) super.connect(callback);
      else callback(error, client, release);
    });
  }

  #fallSilent(): void {
    this.#quietUntilMs = performance.now() + QUIET_MS;
    for (const sendAway of this.#waiting) {
      this.#waiting.delete(sendAway);
      sendAway();
    }
  }
}

const SILENT = 'PostgreSQL was silent a moment ago';

/** The server does not answer. Waiting for a free connection of the pool fails with another text. */
const CONNECT_TIMEOUT = /^(Connection terminated due to connection timeout|timeout expired)/;
