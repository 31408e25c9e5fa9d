import { setTimeout as delay } from 'node:timers/promises';
import { type Client } from 'pg';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/**
 * A connection that says "somebody needs this server": the server itself counts who is left, so a user that was
 * killed is never counted. A lost connection is made anew, by way of `connect`, which may start the server again.
 */
export class Keeper {
  private readonly leaving = new AbortController();
  private healing: Promise<void> = Promise.resolve();

  private constructor(
    private client: Client,
    private readonly connect: () => Promise<Client>,
    private readonly log: (line: string) => void,
  ) {
    this.watch();
  }

  static async hold(connect: () => Promise<Client>, log: (line: string) => void): Promise<Keeper> {
    return new Keeper(await connect(), connect, log);
  }

  /** Does not wait for a server that is gone; afterwards nothing reconnects. */
  async release(): Promise<void> {
    this.leaving.abort();
    await this.healing;
    await this.client.end();
  }

  private watch(): void {
    this.client.once('end', () => {
      if (!this.leaving.signal.aborted) this.healing = this.heal();
    });
  }

  private async heal(): Promise<void> {
    this.log('The embedded PostgreSQL is gone: starting it again.');
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        await delay(wait, undefined, { signal: this.leaving.signal });
        this.client = await this.connect();
        this.watch();
        this.log('The embedded PostgreSQL runs again.');
        return;
      } catch (error) {
        if (this.leaving.signal.aborted) return;
        this.log((error as Error).message);
      }
    }
  }
}
