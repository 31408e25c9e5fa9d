import { readSettings } from '#config';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { AccessTokens } from '../../../apps/identity/src/auth/access-tokens/access-tokens.js';
import { SystemClock } from '#cache';
import { SigningKeys } from '../../../apps/identity/src/auth/signing-keys/signing-keys.js';
import { eventually } from '../../support/time/eventually.js';
import { History, type State } from './history.js';
import { type ModelUser, stateOf } from './model-user.js';
import { newPersonalToken, scopesOf, stored } from './personal-token.js';

/** How a write ended; `unknown` if its answer was lost. */
export type Ending = 'committed' | 'rolled back' | 'unknown';

/** What changes of one user in a write: from a user, or none, to a user, or none. */
export interface Step {
  readonly id: string;
  readonly after: ModelUser | null;
}

/** A write that is under way. */
interface Pending {
  readonly steps: readonly Step[];
  readonly states: readonly [History, State][];
}

const NOBODY = 'nobody';
/** A lost request may still run on the server; after this it has ended. In milliseconds. */
const SETTLED_AFTER_MS = 4_000;
/** No fault lasts longer. In milliseconds. */
const MENDED_AFTER_MS = 60_000;

/** Every user, the history of each, and the locks of the writers. */
export class Model {
  readonly #currentUsers = new Map<string, ModelUser | null>();
  readonly #userHistories = new Map<string, History>();
  readonly #aliasHistories = new Map<string, History>();
  readonly #tokens = new Map<string, string>();
  readonly #sessions = new Map<string, string>();
  readonly #personalTokens = new Map<string, readonly string[]>();
  readonly #locked = new Set<string>();
  readonly #pending = new Set<Pending>();
  #version = 0;

  private constructor(
    readonly sql: Pool,
    private readonly issuer: AccessTokens,
    private readonly maxStalenessMs: number,
    /** How far beyond Δ an answer marked stale may be outdated, in milliseconds. */
    readonly staleIfDownMs: number,
  ) {}

  /** @param env the settings of the instances, whose tokens it makes */
  static async create(databaseUrl: string, env: NodeJS.ProcessEnv, size: number): Promise<Model> {
    const settings = readSettings(env);
    const keys = await SigningKeys.load(settings);
    const sql = new Pool({ connectionString: databaseUrl, max: 12, connectionTimeoutMillis: 2_000 });
    sql.on('error', () => undefined);
    sql.on('connect', (client) => client.on('error', () => undefined)); // the running query fails as well
    const model = new Model(
      sql,
      new AccessTokens(settings, keys, new SystemClock()),
      settings.cacheMaxStalenessMs,
      settings.staleIfDbDownMs,
    );
    await model.#populate(size);
    return model;
  }

  get ids(): string[] {
    return [...this.#currentUsers.keys()];
  }

  /** Every alias that a user has or had, as `kind:value`. */
  get aliases(): string[] {
    return [...this.#aliasHistories.keys()];
  }

  currentUser(id: string): ModelUser | null {
    return this.#currentUsers.get(id)!;
  }

  userHistory(id: string): History {
    return this.#userHistories.get(id)!;
  }

  aliasHistory(name: string): History {
    let history = this.#aliasHistories.get(name);
    if (!history) this.#aliasHistories.set(name, (history = new History(NOBODY, this.maxStalenessMs)));
    return history;
  }

  /** A value that no write has used. */
  fresh(): string {
    return `v${++this.#version}`;
  }

  /** The user may be removed. */
  lastSession(id: string): string {
    return this.#sessions.get(id)!;
  }

  /** The last one or two, newest first; the user may be removed. */
  personalTokens(id: string): readonly string[] {
    return this.#personalTokens.get(id)!;
  }

  /** Access token of a session. */
  async token(id: string, session: string): Promise<string> {
    let token = this.#tokens.get(session);
    if (!token) {
      ({ token } = await this.issuer.issue({ userId: id, sessionId: session }));
      this.#tokens.set(session, token);
    }
    return token;
  }

  /** Locks all of them until `release()`, or none. */
  tryLock(ids: readonly string[]): boolean {
    if (ids.some((id) => this.#locked.has(id))) return false;
    for (const id of ids) this.#locked.add(id);
    return true;
  }

  release(ids: readonly string[]): void {
    for (const id of ids) this.#locked.delete(id);
  }

  /**
   * Makes a write and records its history. Lock the users first.
   *
   * @param commit sends the write; nothing is sent before
   * @param by the instance that answers it
   */
  async write(steps: readonly Step[], commit: () => Promise<Ending>, by?: number): Promise<void> {
    const states = this.#begin(steps, by);
    const pending = { steps, states };
    this.#pending.add(pending);
    let ending = await commit().catch((): Ending => 'unknown');
    if (ending === 'unknown') ending = await this.#findOut(steps);
    this.#pending.delete(pending);
    const now = performance.now();
    for (const [history, state] of states) {
      if (ending === 'committed') history.committed(state, now);
      else history.abandoned(state);
    }
    if (ending === 'committed') for (const { id, after } of steps) this.#settle(id, after);
  }

  /**
   * A write is reported as committed but not answered. If PostgreSQL agrees, it counts from this call on.
   *
   * @param id of its user, session or personal token
   * @returns whether there is such a write and it is committed
   */
  async sawCommitted(id: string): Promise<boolean> {
    const seenAt = performance.now();
    const pending = [...this.#pending].find(({ steps }) => steps.some((step) => this.#isAbout(step, id)));
    if (!pending || !(await this.#isCommitted(pending.steps))) return false;
    for (const [history, state] of pending.states) history.seen(state, seenAt);
    return true;
  }

  async end(): Promise<void> {
    await this.sql.end();
  }

  #isAbout({ id, after }: Step, what: string): boolean {
    return id === what || after?.session === what || stored(this.personalTokens(id)[0]!).tokenId === what;
  }

  #settle(id: string, user: ModelUser | null): void {
    this.#currentUsers.set(id, user);
    if (!user) return;
    this.#sessions.set(id, user.session);
    const [last, ...older] = this.#personalTokens.get(id) ?? [user.personalToken];
    const before = last === user.personalToken ? older : [last!];
    this.#personalTokens.set(id, [user.personalToken, ...before]);
  }

  #begin(steps: readonly Step[], by: number | undefined): [History, State][] {
    const now = performance.now();
    const owners = new Map<string, string>();
    for (const { id } of steps) for (const name of aliasNames(this.currentUser(id))) owners.set(name, NOBODY);
    for (const { id, after } of steps) for (const name of aliasNames(after)) owners.set(name, id);
    const states: [History, State][] = [];
    for (const { id, after } of steps) {
      const history = this.userHistory(id);
      states.push([history, history.begin(stateOf(after), now, by)]);
    }
    for (const [name, owner] of owners) {
      const history = this.aliasHistory(name);
      if (history.current !== owner) states.push([history, history.begin(owner, now, by)]);
    }
    return states;
  }

  /** The answer was lost: waits until the write has certainly ended, then asks PostgreSQL. */
  async #findOut(steps: readonly Step[]): Promise<Ending> {
    await sleep(SETTLED_AFTER_MS);
    let ending: Ending = 'unknown';
    const known = async (): Promise<boolean> => {
      ending = (await this.#isCommitted(steps)) ? 'committed' : 'rolled back';
      return true;
    };
    // A fault may keep PostgreSQL from answering.
    await eventually(known, { withinMs: MENDED_AFTER_MS, everyMs: 200, retryErrors: true });
    return ending;
  }

  async #isCommitted(steps: readonly Step[]): Promise<boolean> {
    const { id, after } = steps[0]!;
    const session = after?.session ?? this.lastSession(id);
    const personalToken = after?.personalToken ?? this.personalTokens(id)[0]!;
    const { tokenId, hash } = stored(personalToken);
    const { rows } = await this.sql.query<ModelUser>(
      `SELECT id, email, username, phone, bio, is_active AS active, $2::uuid::text AS session,
              EXISTS (SELECT FROM sessions WHERE id = $2) AS "loggedIn", $3 AS "personalToken",
              COALESCE((SELECT CASE WHEN scopes = $6 THEN 'read' ELSE 'write' END FROM personal_access_tokens
                         WHERE id = $4 AND token_hash = decode($5, 'hex') AND expires_at > now()), 'over') AS "grant"
         FROM users WHERE id = $1 FOR UPDATE`,
      [id, session, personalToken, tokenId, hash, scopesOf('read')],
    );
    return stateOf(rows[0] ?? null) === stateOf(after);
  }

  async #populate(size: number): Promise<void> {
    const users = Array.from({ length: size }, (_, n): ModelUser => ({
      id: uuidv7(),
      email: `user${n}@example.com`,
      username: `user${n}`,
      phone: `+4420${String(70_000_000 + n)}`,
      bio: this.fresh(),
      active: true,
      session: uuidv7(),
      loggedIn: true,
      personalToken: newPersonalToken(),
      grant: 'read',
    }));
    await this.sql.query('TRUNCATE users CASCADE'); // of the previous run
    await this.sql.query(
      `INSERT INTO users (id, email, username, phone, bio, password_hash)
       SELECT id, email, username, phone, bio, '-' FROM json_to_recordset($1)
         AS p (id uuid, email text, username text, phone text, bio text)`,
      [JSON.stringify(users)],
    );
    await this.sql.query(
      `INSERT INTO sessions (id, user_id, expires_at)
       SELECT session, id, now() + interval '1 day' FROM json_to_recordset($1) AS p (id uuid, session uuid)`,
      [JSON.stringify(users)],
    );
    await this.sql.query(
      `INSERT INTO personal_access_tokens (id, user_id, name, token_hash, scopes, expires_at)
       SELECT "tokenId", id, 'of the suite', decode(hash, 'hex'), $2, now() + interval '1 day'
         FROM json_to_recordset($1) AS p (id uuid, "tokenId" uuid, hash text)`,
      [
        JSON.stringify(users.map(({ id, personalToken }) => ({ id, ...stored(personalToken) }))),
        scopesOf('read'),
      ],
    );
    for (const user of users) {
      this.#settle(user.id, user);
      this.#userHistories.set(user.id, new History(stateOf(user), this.maxStalenessMs));
      for (const name of aliasNames(user)) {
        this.#aliasHistories.set(name, new History(user.id, this.maxStalenessMs));
      }
    }
  }
}

function aliasNames(user: ModelUser | null): string[] {
  if (!user) return [];
  return [`email:${user.email}`, `username:${user.username}`, `phone:${user.phone}`];
}
