/** The limits that the server itself is to keep, by their names in PostgreSQL. In milliseconds. */
const TIMEOUTS = ['statement_timeout', 'idle_in_transaction_session_timeout'] as const;

/**
 * What a transaction carries along. `lock_timeout` goes with transactions alone: it is there for migrations, and outside
 * a transaction it would leave an index that is built CONCURRENTLY invalid.
 */
const IN_TRANSACTION = [...TIMEOUTS, 'lock_timeout'] as const;

/** Places (host and port) where time-outs in the start-up message were refused, in this process. */
const refusing = new Set<string>();

/**
 * The server's own time-outs, for a connection that may lead to a pooler.
 *
 * They are sent as start-up parameters, which costs nothing and makes PostgreSQL end a statement even when its client
 * is gone. PgBouncer refuses parameters that it does not know, or ignores them if configured so; then no server keeps them.
 * `SET` does not help: between two transactions, the next statement goes to another server connection, and this one
 * to another client. So where they are refused, they are left out from then on. Transactions carry them along, in
 * the message that begins them, and single statements are cancelled from here; see `DeadlineClient`.
 *
 * @see https://www.pgbouncer.org/config.html#ignore_startup_parameters
 */
export class StartupParameters {
  readonly #place: string;

  constructor(private readonly parameters: Record<string, unknown>) {
    this.#place = `${String(parameters.host)}:${String(parameters.port)}`;
  }

  /** The next connection goes without. */
  refused(): void {
    refusing.add(this.#place);
  }

  /** Whether the server itself ends statements outside of transactions, as far as we know. */
  get kept(): boolean {
    return !refusing.has(this.#place);
  }

  /** The start-up message without what is refused there. */
  accepted(message: Record<string, string>): Record<string, string> {
    const names: readonly string[] = this.kept ? ['lock_timeout'] : IN_TRANSACTION;
    return Object.fromEntries(Object.entries(message).filter(([name]) => !names.includes(name)));
  }

  /** The beginning of a transaction, with its limits in the same message: it costs no round trip. */
  startTransaction(begin: string): string {
    const limits = IN_TRANSACTION.map((name) => [name, Math.floor(Number(this.parameters[name]))] as const);
    return [
      begin,
      ...limits.filter(([, ms]) => ms > 0).map(([name, ms]) => `SET LOCAL ${name} = ${ms}`),
    ].join('; ');
  }
}

export function refusesStartupParameters(error: unknown): boolean {
  const message = (error as { message?: unknown } | null)?.message;
  return typeof message === 'string' && /unsupported startup parameter/i.test(message);
}
