import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { DatabaseUnavailable } from './database-error.js';
import { DeadlineClient } from './deadline-client.js';
import { refusesStartupParameters } from './startup-parameters.js';

type Callback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (destroy?: boolean | Error) => void,
) => void;

/** Longer than a request needs from one question to the next, and short beside the time-out it saves. */
const QUIET_MS = 250;

/**
 * A pool that learns from silence. A server that neither answers nor refuses (a frozen machine, a cut network) costs
 * each question its whole time-out, and a request that asks three questions three of them. So when somebody has
 * waited in vain, those who wait for a connection are sent away too, and for a moment nobody is let in.
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
      else if (client) process.nextTick(release); // at once, a crowd would release within each other, without end
    });
  }

  /** Once more without what was refused, which the client has learned by then. */
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

/** A server that does not answer; to wait in vain for a place in the pool has another text. */
const CONNECT_TIMEOUT = /^(Connection terminated due to connection timeout|timeout expired)/;
