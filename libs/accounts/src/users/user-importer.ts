import { type DataSource, type QueryRunner } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { type MetadataPatch, patched } from './metadata.js';
import { type ProfileChanges } from './user-store.js';
import { EmailTaken, IdTaken, PhoneTaken, type UserError, UsernameTaken } from './user-errors.js';

/** A user of another system, who keeps their password. */
export interface ImportedUser extends ProfileChanges {
  /** A UUID that others know them by; a new one unless given. */
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
  /** There is one with this email address, and with this id if one was given. Nothing of theirs was changed. */
  | { readonly kind: 'exists' }
  /** Something of theirs belongs to somebody else. */
  | { readonly kind: 'refused'; readonly fault: UserError };

export interface ImportOptions {
  /** All is done, and taken back: nobody sees anything of it. */
  dryRun?: boolean;
}

/** Users as a table, by the place that they have in the batch. */
const GIVEN = `json_to_recordset($1::json) AS g (
  place integer, id uuid, keeps_id boolean, email text, email_verified boolean, username text, first_name text,
  last_name text, phone text, bio text, occupation text, location text, password_hash text, is_active boolean,
  roles text[], app_metadata jsonb, user_metadata jsonb, created_at timestamptz)`;

const INSERT = `
  INSERT INTO users (id, email, email_verified, username, first_name, last_name, phone, bio, occupation, location,
                     password_hash, is_active, roles, app_metadata, user_metadata, created_at)
  SELECT id, email, email_verified, username, first_name, last_name, phone, bio, occupation, location,
         password_hash, is_active, roles, app_metadata, user_metadata, coalesce(created_at, now())
    FROM ${GIVEN} ORDER BY place
  ON CONFLICT DO NOTHING RETURNING id, email`;

const SAME_EMAIL = 'FROM users AS u WHERE lower(u.email COLLATE "C") = lower(g.email COLLATE "C")';

const CONFLICTS = `
  SELECT g.place,
         EXISTS (SELECT ${SAME_EMAIL} AND (u.id = g.id OR NOT g.keeps_id)) AS exists,
         EXISTS (SELECT FROM users AS u WHERE u.id = g.id) AS id,
         EXISTS (SELECT ${SAME_EMAIL}) AS email,
         EXISTS (SELECT FROM users AS u WHERE lower(u.username COLLATE "C") = lower(g.username COLLATE "C")) AS username
    FROM ${GIVEN}`;

interface Conflict {
  place: number;
  exists: boolean;
  id: boolean;
  email: boolean;
  username: boolean;
}

/**
 * Brings in users with the hashes of their passwords. No cache of this process knows them; the others learn of them by
 * the change log. One of a thousand rows and more would make every cache cold, so give it some hundreds at a time.
 */
export class UserImporter {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * In one transaction; who cannot be brought in keeps nobody else out.
   *
   * @returns an outcome for each, in their order
   */
  async import(
    users: readonly ImportedUser[],
    { dryRun = false }: ImportOptions = {},
  ): Promise<ImportOutcome[]> {
    const rows = users.map(rowOf);
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      const outcomes = await insert(runner, rows);
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

type Row = ReturnType<typeof rowOf>;

interface Inserted {
  readonly id: string;
  readonly email: string;
}

/** Two lines may give one id to two people, of whom only one is in. */
function keyOf({ id, email }: Inserted): string {
  return `${id} ${email}`;
}

async function insert(runner: QueryRunner, rows: readonly Row[]): Promise<ImportOutcome[]> {
  const inserted = (await runner.query(INSERT, [JSON.stringify(rows)])) as Inserted[];
  const those = new Set(inserted.map(keyOf));
  // The first of two that are the same is the one that is in.
  const outcomes = rows.map((row): ImportOutcome | undefined =>
    those.delete(keyOf(row)) ? { kind: 'imported' } : undefined,
  );
  const left = rows.filter(({ place }) => !outcomes[place]);
  if (left.length === 0) return outcomes as ImportOutcome[];
  const conflicts = (await runner.query(CONFLICTS, [JSON.stringify(left)])) as Conflict[];
  for (const conflict of conflicts) outcomes[conflict.place] = outcomeOf(conflict);
  return outcomes as ImportOutcome[];
}

function outcomeOf({ exists, id, email, username }: Conflict): ImportOutcome {
  if (exists) return { kind: 'exists' };
  if (id) return { kind: 'refused', fault: new IdTaken() };
  if (email) return { kind: 'refused', fault: new EmailTaken() };
  return { kind: 'refused', fault: username ? new UsernameTaken() : new PhoneTaken() };
}

function rowOf(user: ImportedUser, place: number) {
  const { id, createdAt } = user;
  return {
    place,
    // Lists are in the order of ids, newest first.
    id: id ?? uuidv7(createdAt && { msecs: createdAt.getTime() }),
    keeps_id: id !== undefined,
    email: user.email,
    email_verified: user.emailVerified,
    username: user.username,
    first_name: user.firstName,
    last_name: user.lastName,
    phone: user.phone,
    bio: user.bio,
    occupation: user.occupation,
    location: user.location,
    password_hash: user.passwordHash,
    is_active: user.isActive,
    roles: user.roles ?? [],
    app_metadata: patched({}, user.appMetadata ?? {}),
    user_metadata: patched({}, user.userMetadata ?? {}),
    created_at: createdAt?.toISOString(),
  };
}
