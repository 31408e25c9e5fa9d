import { type DataSource } from 'typeorm';
import { type AuditActor, type AuditEntry, idAt } from './audit-entry.js';

export interface AuditSearch {
  userId?: string | undefined;
  actorId?: string | undefined;
  action?: string | undefined;
  outcome?: string | undefined;
  /** This moment included. */
  since?: Date | undefined;
  /** This moment excluded. */
  until?: Date | undefined;
  /** Only entries older than this one (an id), for the next page. */
  before?: string | undefined;
  limit: number;
}

interface Row extends Omit<AuditEntry, 'actor'> {
  actorKind: AuditActor['kind'];
  actorId: string | null;
  actorName: string | null;
}

/** Entries that one statement reads, blanks or removes at most, so that it ends in time. */
const BATCH = 500;

/** The table `audit_log`. */
export class AuditLogStore {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * All of them in one statement, or none. Where somebody was who tried the account of a user that is gone by now is left
   * out: `forget()` may have been there before.
   *
   * @throws DatabaseUnavailable, DatabaseTimeout in TypeORM's wrapping: see `databaseErrorOf()`
   */
  async insert(entries: readonly AuditEntry[]): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO audit_log (id, at, action, outcome, actor_kind, actor_id, actor_name, user_id, session_id, changes,
                              address, device, request_id)
       SELECT e.id, at, action, outcome, actor->>'kind', (actor->>'id')::uuid, actor->>'name', "userId", "sessionId",
              changes, CASE WHEN known THEN address END, CASE WHEN known THEN device END, "requestId"
         FROM json_to_recordset($1) AS e (
                id uuid, at timestamptz, action text, outcome text, actor json, "userId" uuid, "sessionId" uuid,
                changes text[], address inet, device text, "requestId" text),
              LATERAL (SELECT actor->>'kind' <> 'anyone' OR "userId" IS NULL
                           OR EXISTS (SELECT FROM users AS u WHERE u.id = e."userId") AS known) AS k`,
      [JSON.stringify(entries)],
    );
  }

  /** Newest first. */
  async search({ since, until, limit, ...search }: AuditSearch): Promise<AuditEntry[]> {
    // Time by the id, in the order of which every index is, so that a page ends as soon as it is full.
    const rows = await this.dataSource.query<Row[]>(
      `SELECT id, at, action, outcome, actor_kind AS "actorKind", actor_id AS "actorId", actor_name AS "actorName",
              user_id AS "userId", session_id AS "sessionId", changes, host(address) AS address, device,
              request_id AS "requestId"
         FROM audit_log
        WHERE ($1::uuid IS NULL OR user_id = $1)
          AND ($2::uuid IS NULL OR actor_id = $2)
          AND ($3::text IS NULL OR action = $3)
          AND ($4::text IS NULL OR outcome = $4)
          AND ($5::uuid IS NULL OR id >= $5)
          AND ($6::uuid IS NULL OR id < $6)
          AND ($7::uuid IS NULL OR id < $7)
        ORDER BY id DESC LIMIT $8`,
      [
        search.userId ?? null,
        search.actorId ?? null,
        search.action ?? null,
        search.outcome ?? null,
        since ? idAt(since) : null,
        until ? idAt(until) : null,
        search.before ?? null,
        limit,
      ],
    );
    return rows.map(entryOf);
  }

  /** All that is known about one user, newest first. */
  async *entriesOf(userId: string): AsyncGenerator<AuditEntry, void> {
    for (let before: string | undefined; ;) {
      const page = await this.search({ userId, before, limit: BATCH });
      yield* page;
      if (page.length < BATCH) return;
      before = page.at(-1)!.id;
    }
  }

  /**
   * Takes the addresses and devices of somebody who is gone out of their entries, and leaves what happened: also where
   * nobody knows whether it was them, but not what others did to their account.
   */
  async forget(userId: string): Promise<void> {
    for (let blanked = BATCH; blanked === BATCH;) {
      [, blanked] = await this.dataSource.query<[unknown[], number]>(
        `UPDATE audit_log SET address = NULL, device = NULL WHERE id = ANY (ARRAY(
           SELECT id FROM audit_log
            WHERE (actor_id = $1 OR (user_id = $1 AND actor_kind = 'anyone'))
              AND (address IS NOT NULL OR device IS NOT NULL)
            LIMIT ${BATCH}))`,
        [userId],
      );
    }
  }

  /** Removes what is older. Instances may do so at once. */
  async purge(olderThan: Date): Promise<void> {
    for (let removed = BATCH; removed === BATCH;) {
      [, removed] = await this.dataSource.query<[unknown[], number]>(
        `DELETE FROM audit_log WHERE id = ANY (ARRAY(
           SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))`,
        [idAt(olderThan)],
      );
    }
  }
}

function entryOf({ actorKind, actorId, actorName, ...row }: Row): AuditEntry {
  return { ...row, actor: actorOf(actorKind, actorId, actorName) };
}

function actorOf(kind: AuditActor['kind'], id: string | null, name: string | null): AuditActor {
  if (kind === 'user') return { kind, id: id! };
  return kind === 'service' ? { kind, name: name! } : { kind };
}
