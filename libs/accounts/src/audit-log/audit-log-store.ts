import { runInBatches } from '#database';
import { And, type DataSource, type FindOptionsWhere, LessThan, MoreThanOrEqual } from 'typeorm';
import { type AuditActor, type AuditEntry, idAt } from './audit-entry.js';
import { AuditLogEntity } from './audit-log.entity.js';

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

/** Entries that one statement reads, changes or deletes at most, so that it ends within the deadline. */
const BATCH = 500;

/** The table `audit_log`. */
export class AuditLogStore {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Writes all entries or none. By hand, for one statement that leaves out the address and device of an unproven actor
   * when the user was deleted meanwhile: `forget()` may have run before.
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
  async search({ since, until, before, limit, ...equal }: AuditSearch): Promise<AuditEntry[]> {
    // Times become ids, because every index is in the order of ids: a page ends as soon as it is full.
    const range = [
      ...(since ? [MoreThanOrEqual(idAt(since))] : []),
      ...(until ? [LessThan(idAt(until))] : []),
      ...(before !== undefined ? [LessThan(before)] : []),
    ];
    const given = Object.entries(equal).filter(([, value]) => value !== undefined);
    const rows = await this.dataSource.getRepository(AuditLogEntity).find({
      where: {
        ...(Object.fromEntries(given) as FindOptionsWhere<AuditLogEntity>),
        ...(range.length > 0 && { id: And(...range) }),
      },
      order: { id: 'DESC' },
      take: limit,
    });
    return rows.map(entryOf);
  }

  /** Every entry about one user, newest first. */
  async *entriesOf(userId: string): AsyncGenerator<AuditEntry, void> {
    for (let before: string | undefined; ;) {
      const page = await this.search({ userId, before, limit: BATCH });
      yield* page;
      if (page.length < BATCH) return;
      before = page.at(-1)!.id;
    }
  }

  /**
   * Clears addresses and devices of a deleted user: in their own entries and in those of unproven actors at their account,
   * not in those of administrators.
   */
  async forget(userId: string): Promise<void> {
    await runInBatches(
      this.dataSource,
      BATCH,
      `UPDATE audit_log SET address = NULL, device = NULL WHERE id = ANY (ARRAY(
         SELECT id FROM audit_log
          WHERE (actor_id = $1 OR (user_id = $1 AND actor_kind = 'anyone'))
            AND (address IS NOT NULL OR device IS NOT NULL)
          LIMIT ${BATCH}))`,
      [userId],
    );
  }

  /** Deletes older entries. Several instances may do so at once. */
  async purge(olderThan: Date): Promise<void> {
    await runInBatches(
      this.dataSource,
      BATCH,
      `DELETE FROM audit_log WHERE id = ANY (ARRAY(
         SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))`,
      [idAt(olderThan)],
    );
  }
}

function entryOf({ actorKind, actorId, actorName, ...row }: AuditLogEntity): AuditEntry {
  return { ...row, actor: actorOf(actorKind, actorId, actorName) };
}

function actorOf(kind: AuditActor['kind'], id: string | null, name: string | null): AuditActor {
  if (kind === 'user') return { kind, id: id! };
  return kind === 'service' ? { kind, name: name! } : { kind };
}
