import { type DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { ALIAS_SQL } from './alias.js';
import { type MetadataPatch, patched } from './metadata.js';
import { type ProfileChanges } from './user-fields.js';
import { UserEntity, type UserRow } from './user.entity.js';
import { EmailTaken, IdTaken, PhoneTaken, type UserError, UsernameTaken } from './user-errors.js';

/** A user of another system, whose password stays valid. */
export interface ImportedUser extends ProfileChanges {
  /** A UUID to keep; absent: a new one. */
  id?: string | undefined;
  email: string;
  emailVerified: boolean;
  /** bcrypt. */
  passwordHash: string;
  isActive: boolean;
  roles?: readonly string[];
  appMetadata?: MetadataPatch;
  createdAt?: Date | undefined;
}

export type ImportOutcome =
  | { readonly kind: 'imported' }
  /** There is a user with this email address, and with this id if one was given. That user was not changed. */
  | { readonly kind: 'exists' }
  /** Another user has this id, email address, username or phone number. */
  | { readonly kind: 'refused'; readonly error: UserError };

export interface ImportOptions {
  /** Rolls back at the end, so that nothing changes. */
  dryRun?: boolean;
}

const SAME_EMAIL = `FROM users AS u WHERE ${ALIAS_SQL.email} = lower(g.email COLLATE "C")`;

/** By hand: one statement tells of every candidate what it conflicts with. */
const CONFLICTS = `
  SELECT g.place,
         EXISTS (SELECT ${SAME_EMAIL} AND (u.id = g.id OR NOT g.keeps_id)) AS exists,
         EXISTS (SELECT FROM users AS u WHERE u.id = g.id) AS id,
         EXISTS (SELECT ${SAME_EMAIL}) AS email,
         EXISTS (SELECT FROM users AS u WHERE ${ALIAS_SQL.username} = lower(g.username COLLATE "C")) AS username
    FROM json_to_recordset($1::json) AS g (place integer, id uuid, keeps_id boolean, email text, username text)`;

interface Conflict {
  place: number;
  exists: boolean;
  id: boolean;
  email: boolean;
  username: boolean;
}

/**
 * Imports users with their password hashes. Caches learn of them by the change log. A statement of a thousand rows or more
 * would invalidate every cached user, so import some hundreds at a time.
 */
export class UserImporter {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Imports all users of a batch in one transaction, without those that conflict.
   *
   * @returns an outcome for each user, in their order
   */
  async import(
    users: readonly ImportedUser[],
    { dryRun = false }: ImportOptions = {},
  ): Promise<ImportOutcome[]> {
    const candidates = users.map(candidateOf);
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      const outcomes = await insert(runner.manager, candidates);
      await (dryRun ? runner.rollbackTransaction() : runner.commitTransaction());
      return outcomes;
    } catch (error) {
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
  }
}

interface Candidate {
  readonly place: number;
  readonly keepsId: boolean;
  readonly row: UserRowValues;
}

type UserRowValues = Partial<UserRow> & Pick<UserRow, 'id' | 'email'>;

async function insert(manager: EntityManager, candidates: readonly Candidate[]): Promise<ImportOutcome[]> {
  const result = await manager
    .createQueryBuilder()
    .insert()
    .into(UserEntity)
    .values(candidates.map(({ row }) => row))
    .orIgnore()
    .returning(['id', 'email'])
    .updateEntity(false)
    .execute();
  const inserted = new Set((result.raw as UserRowValues[]).map(keyOf));
  // Of two equal candidates the first is the one that was inserted.
  const outcomes = candidates.map(({ row }): ImportOutcome | undefined =>
    inserted.delete(keyOf(row)) ? { kind: 'imported' } : undefined,
  );
  const left = candidates.filter(({ place }) => !outcomes[place]);
  if (left.length === 0) return outcomes as ImportOutcome[];
  const conflicts = await manager.query<Conflict[]>(CONFLICTS, [
    JSON.stringify(
      left.map(({ place, keepsId, row: { id, email, username } }) => ({
        place,
        id,
        keeps_id: keepsId,
        email,
        username,
      })),
    ),
  ]);
  for (const conflict of conflicts) outcomes[conflict.place] = outcomeOf(conflict);
  return outcomes as ImportOutcome[];
}

/** Two candidates may claim one id; only one of them is inserted. */
function keyOf({ id, email }: UserRowValues): string {
  return `${id} ${email}`;
}

function outcomeOf({ exists, id, email, username }: Conflict): ImportOutcome {
  if (exists) return { kind: 'exists' };
  if (id) return { kind: 'refused', error: new IdTaken() };
  if (email) return { kind: 'refused', error: new EmailTaken() };
  return { kind: 'refused', error: username ? new UsernameTaken() : new PhoneTaken() };
}

function candidateOf({ id, createdAt, ...user }: ImportedUser, place: number): Candidate {
  return {
    place,
    keepsId: id !== undefined,
    row: {
      ...user,
      // Lists are in the order of ids, newest first.
      id: id ?? uuidv7(createdAt && { msecs: createdAt.getTime() }),
      createdAt,
      roles: [...(user.roles ?? [])],
      appMetadata: patched({}, user.appMetadata ?? {}),
      userMetadata: patched({}, user.userMetadata ?? {}),
    },
  };
}
