import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** An answer that takes longer says that the machine or the wire is in trouble; in milliseconds. */
const PROMPT_MS = 150;
/** Loads that piled up meanwhile are through with it this long after the trouble; in milliseconds. */
const BACKLOG_MS = 1_000;

/**
 * Looks at one instance and at PostgreSQL over the wire of that instance, again and again: did both have all they need
 * when a read was refused? A machine that is too busy to answer either is no fault of the product.
 */
export class HealthProbe {
  #sentAt = Infinity;
  #troubleUntil = -Infinity;
  #client: Client | undefined;

  constructor(
    private readonly databaseUrl: string,
    /** Asks the instance for a sign of life, which waits for nothing. */
    private readonly live: () => Promise<unknown>,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#sentAt = performance.now();
      const answered = (await Promise.all([this.#ask(), this.#isLive()])).every(Boolean);
      const now = performance.now();
      if (!answered || now - this.#sentAt > PROMPT_MS) this.#troubleUntil = now;
      this.#sentAt = Infinity;
      await sleep(50);
    }
    await this.#client?.end().catch(() => undefined);
  }

  /** Whether every answer came promptly from then until now. */
  wasHealthySince(moment: number): boolean {
    const waiting = performance.now() - this.#sentAt > PROMPT_MS;
    return !waiting && this.#troubleUntil + BACKLOG_MS < moment;
  }

  #isLive(): Promise<boolean> {
    return this.live().then(
      () => true,
      () => false,
    );
  }

  async #ask(): Promise<boolean> {
    try {
      const client = (this.#client ??= await this.#connect());
      await client.query('SELECT id FROM users LIMIT 1');
      return true;
    } catch {
      void this.#client?.end().catch(() => undefined);
      this.#client = undefined;
      return false;
    }
  }

  async #connect(): Promise<Client> {
    const client = new Client({
      connectionString: this.databaseUrl,
      application_name: 'probe',
      connectionTimeoutMillis: 2_000,
      query_timeout: 2_000,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }
}
