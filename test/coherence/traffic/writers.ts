import { setTimeout as sleep } from 'node:timers/promises';
import { type PoolClient } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { endingOf, type Writer } from './writer.js';
import { type ModelUser } from '../model/model-user.js';
import { newPersonalToken, putPersonalToken, scopesOf } from '../model/personal-token.js';
import { changePersonalToken, otherGrant, revokePersonalToken } from './personal-token-writes.js';
import { type Random } from '../../support/random/random.js';
import { type UsherInstance } from '../cluster/usher-instance.js';
import { type Ending, type Model } from '../model/model.js';

type Write = (writers: Writers) => Promise<void>;

/** The writes and their weights. Half are raw SQL, without a notification. */
const MIX: readonly (readonly [weight: number, Write])[] = [
  [10, (w) => w.changeProfile({ bio: w.model.fresh() })],
  [3, (w) => w.changeProfile({ username: w.name(), bio: w.model.fresh() })],
  [2, (w) => w.changeStanding()],
  [8, (w) => w.updateRaw((user) => ({ ...user, bio: w.model.fresh() }))],
  [
    3,
    (w) =>
      w.updateRaw((user) => ({
        ...user,
        username: w.name(),
        email: `${w.name()}@example.com`,
        bio: w.model.fresh(),
      })),
  ],
  [2, (w) => w.swapEmails()],
  [2, (w) => w.removeOrInsert()],
  [2, (w) => w.logOut()],
  [3, (w) => w.openOrEndSession()],
  [2, revokePersonalToken],
  [5, changePersonalToken],
  [1, (w) => w.rollBack()],
  [1, (w) => w.holdOpen()],
];

/** Change users by HTTP and by raw SQL until aborted. */
export class Writers implements Writer {
  written = 0;
  #names = 0;
  #bulks = 0;

  constructor(
    readonly model: Model,
    private readonly instances: () => readonly UsherInstance[],
    private readonly adminToken: string,
    readonly random: Random,
    /** The users that are written one by one; all of them are written in bulk. */
    readonly hot: readonly string[],
  ) {}

  /** One write after the other, with a pause. */
  async run(signal: AbortSignal, pauseMs: number): Promise<void> {
    const total = MIX.reduce((sum, [weight]) => sum + weight, 0);
    while (!signal.aborted) {
      let ticket = this.random.below(total);
      const [, write] = MIX.find(([weight]) => (ticket -= weight) < 0)!;
      await write(this);
      await sleep(this.random.between(0, 2 * pauseMs));
    }
  }

  /** Every personal token, or every user, in one statement: more than the log names one by one. */
  async runBulk(signal: AbortSignal, everyMs: number): Promise<void> {
    while (!signal.aborted) {
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      const ids = this.model.ids.reverse(); // a lost answer is checked by the first, which is never removed
      while (!signal.aborted && !this.model.tryLock(ids)) await sleep(5); // until no other write runs
      if (signal.aborted) return;
      try {
        await (this.#bulks++ % 2 === 0 ? this.#changeAllPersonalTokens(ids) : this.#changeAllUsers(ids));
        this.written++;
      } finally {
        this.model.release(ids);
      }
    }
  }

  async #changeAllUsers(ids: readonly string[]): Promise<void> {
    const bio = this.model.fresh();
    const steps = ids.map((id) => ({ id, after: changed(this.model.currentUser(id), { bio }) }));
    await this.model.write(steps, () =>
      this.sql((client) => client.query('UPDATE users SET bio = $1', [bio])),
    );
  }

  async #changeAllPersonalTokens(ids: readonly string[]): Promise<void> {
    const grant = otherGrant(this.model.currentUser(ids[0]!)!.grant);
    const steps = ids.map((id) => {
      const user = this.model.currentUser(id);
      return { id, after: user && (user.grant === 'over' ? user : { ...user, grant }) };
    });
    await this.model.write(steps, () =>
      this.sql((client) => client.query('UPDATE personal_access_tokens SET scopes = $1', [scopesOf(grant)])),
    );
  }

  anInstance(): UsherInstance {
    return this.random.pick(this.instances());
  }

  name(): string {
    return `n${++this.#names}_${this.random.below(1_000)}`;
  }

  /** By the user, on some instance. */
  changeProfile(changes: Partial<ModelUser>): Promise<void> {
    return this.withOne(async (user) => {
      if (!user?.active || !user.loggedIn) return;
      const instance = this.anInstance();
      const token = await this.model.token(user.id, user.session);
      await this.model.write(
        [{ id: user.id, after: { ...user, ...changes } }],
        () => endingOf(instance.ask('/auth/profile', { method: 'PUT', token, body: changes })),
        instance.index,
      );
    });
  }

  /** By an administrator: active users are deactivated, others restored. */
  changeStanding(): Promise<void> {
    return this.withOne(async (user) => {
      if (!user) return;
      const instance = this.anInstance();
      const active = !user.active;
      // A restored user has no sessions and no personal tokens.
      const after: ModelUser = { ...user, active, loggedIn: false, grant: 'over' };
      await this.model.write(
        [{ id: user.id, after }],
        () =>
          endingOf(
            instance.ask(`/users/${user.id}`, {
              method: 'PATCH',
              token: this.adminToken,
              body: { is_active: active },
            }),
          ),
        instance.index,
      );
    });
  }

  /** By the user, on some instance. */
  logOut(): Promise<void> {
    return this.withOne(async (user) => {
      if (!user?.loggedIn) return;
      const instance = this.anInstance();
      const token = await this.model.token(user.id, user.session);
      await this.model.write(
        [{ id: user.id, after: { ...user, loggedIn: false } }],
        () => endingOf(instance.ask('/auth/logout', { method: 'POST', token })),
        instance.index,
      );
    });
  }

  /** By raw SQL: ends the session, or opens one. */
  openOrEndSession(): Promise<void> {
    return this.withOne(async (user, id) => {
      if (!user) return;
      const after = {
        ...user,
        session: user.loggedIn ? user.session : uuidv7(),
        loggedIn: !user.loggedIn,
      };
      await this.model.write([{ id, after }], () =>
        this.sql((client) =>
          after.loggedIn
            ? openSession(client, after)
            : client.query('DELETE FROM sessions WHERE user_id = $1', [id]),
        ),
      );
    });
  }

  updateRaw(change: (user: ModelUser) => ModelUser): Promise<void> {
    return this.withOne(async (user) => {
      if (!user) return;
      const after = change(user);
      await this.model.write([{ id: user.id, after }], () => this.sql((client) => update(client, after)));
    });
  }

  /** By raw SQL: changes that user, or inserts it again. */
  async change(id: string): Promise<void> {
    while (!this.model.tryLock([id])) await sleep(5);
    try {
      const user = this.model.currentUser(id);
      if (!user) return await this.#insert(id);
      const after = { ...user, bio: this.model.fresh() };
      await this.model.write([{ id, after }], () => this.sql((client) => update(client, after)));
    } finally {
      this.model.release([id]);
    }
  }

  /** Two users take each other's address, by way of a third one. */
  async swapEmails(): Promise<void> {
    await this.#with(2, async ([a, b]) => {
      if (!a || !b) return;
      const [bio, between] = [this.model.fresh(), `${this.name()}@example.com`];
      const [newA, newB] = [changed(a, { email: b.email, bio }), changed(b, { email: a.email, bio })];
      const steps = [
        { id: a.id, after: newA },
        { id: b.id, after: newB },
      ];
      await this.model.write(steps, () =>
        this.#transaction(async (client) => {
          await update(client, changed(a, { email: between }));
          await update(client, newB);
          await update(client, newA);
        }),
      );
    });
  }

  /** Users come and go, and come back as they were. */
  removeOrInsert(): Promise<void> {
    return this.withOne(async (user, id) => {
      if (!user) return this.#insert(id);
      await this.model.write([{ id, after: null }], () =>
        this.sql((client) => client.query('DELETE FROM users WHERE id = $1', [id])),
      );
    });
  }

  async #insert(id: string): Promise<void> {
    const name = this.name();
    const after: ModelUser = {
      id,
      email: `${name}@example.com`,
      username: name,
      phone: `+4930${1_000_000 + this.#names}`,
      bio: this.model.fresh(),
      active: true,
      session: uuidv7(),
      loggedIn: true,
      personalToken: newPersonalToken(),
      grant: 'read',
    };
    await this.model.write([{ id, after }], () =>
      this.#transaction(async (client) => {
        await client.query(
          `INSERT INTO users (id, email, username, phone, bio, password_hash) VALUES ($1, $2, $3, $4, $5, '-')`,
          [id, after.email, after.username, after.phone, after.bio],
        );
        await openSession(client, after);
        await putPersonalToken(client, after);
      }),
    );
  }

  /** A rolled-back change, to a savepoint or in full, must never be seen. */
  rollBack(): Promise<void> {
    return this.withOne(async (user) => {
      if (!user) return;
      const after = changed(user, { bio: this.model.fresh() });
      await this.model.write([{ id: user.id, after }], () =>
        this.#transaction(async (client) => {
          await client.query('SAVEPOINT here');
          await update(client, changed(user, { username: this.name(), bio: 'never' }));
          await client.query('ROLLBACK TO here');
          await update(client, after);
        }),
      );
      await this.sql(async (client) => {
        await client.query('BEGIN');
        await update(client, changed(user, { bio: 'never' }));
        await client.query('ROLLBACK');
      });
    });
  }

  /** Commits long after its statement, so that younger transactions are visible before it. */
  holdOpen(): Promise<void> {
    const holdMs = this.random.between(200, 3_000);
    return this.withOne(async (user) => {
      if (!user) return;
      const after = { ...user, bio: this.model.fresh(), grant: otherGrant(user.grant) };
      const client = await this.model.sql.connect().catch(() => undefined);
      if (!client) return;
      try {
        await client.query('BEGIN');
        await update(client, after);
        await putPersonalToken(client, after);
        await sleep(holdMs);
        await this.model.write([{ id: user.id, after }], () =>
          client.query('COMMIT').then(() => 'committed' as const),
        );
        client.release();
      } catch (error) {
        client.release(error as Error);
      }
    });
  }

  withOne(
    write: (user: ModelUser | null, id: string) => Promise<void>,
    among: readonly string[] = this.hot,
  ): Promise<void> {
    return this.#with(1, ([user], [id]) => write(user!, id!), among);
  }

  async #with(
    count: number,
    write: (users: (ModelUser | null)[], ids: string[]) => Promise<void>,
    among: readonly string[] = this.hot,
  ): Promise<void> {
    const ids = this.random.shuffled(among).slice(0, count);
    if (!this.model.tryLock(ids)) return;
    try {
      await write(
        ids.map((id) => this.model.currentUser(id)),
        ids,
      );
      this.written++;
    } finally {
      this.model.release(ids);
    }
  }

  async sql(run: (client: PoolClient) => Promise<unknown>): Promise<Ending> {
    const client = await this.model.sql.connect().catch(() => undefined);
    if (!client) return 'rolled back'; // it was never sent
    try {
      await run(client);
      client.release();
      return 'committed';
    } catch (error) {
      client.release(error as Error);
      // With an error of the server nothing was written; without one the outcome is unknown.
      return error instanceof Error && 'severity' in error ? 'rolled back' : 'unknown';
    }
  }

  #transaction(run: (client: PoolClient) => Promise<void>): Promise<Ending> {
    return this.sql(async (client) => {
      await client.query('BEGIN');
      await run(client);
      await client.query('COMMIT');
    });
  }
}

function openSession(client: PoolClient, { id, session }: ModelUser): Promise<unknown> {
  return client.query(
    `INSERT INTO sessions (id, user_id, expires_at) VALUES ($1, $2, now() + interval '1 day')`,
    [session, id],
  );
}

function changed<P extends ModelUser | null>(user: P, changes: Partial<ModelUser>): P {
  return user && { ...user, ...changes };
}

function update(client: PoolClient, { id, email, username, phone, bio }: ModelUser): Promise<unknown> {
  return client.query('UPDATE users SET email = $2, username = $3, phone = $4, bio = $5 WHERE id = $1', [
    id,
    email,
    username,
    phone,
    bio,
  ]);
}
