import { UserNotFound } from '../users/user-errors.js';
import { USER_FIELDS } from '../users/user-fields.js';

/** A statement in the one snapshot of an export. @throws DatabaseUnavailable and DatabaseTimeout in their TypeORM wrapping */
export type SnapshotQuery = <Row>(sql: string, parameters: unknown[]) => Promise<Row[]>;

/** What one table keeps about a person, or two that belong together. */
export interface ExportSource {
  /** The member of the document that it fills in. */
  readonly name: string;
  /** The tables that it reads. A test checks that every table with a user's id belongs to a source. */
  readonly tables: readonly string[];
  /** JSON with the names of columns, at most `MOST_ROWS` rows. No secret, and nothing derived from one. */
  read(userId: string, query: SnapshotQuery): Promise<unknown>;
}

/** Of the newest rows. Older ones are left out, to bound the time and memory of an answer. */
const MOST_ROWS = 10_000;

/** The listed fields of the row. The password hash is not among them. */
const USER_COLUMNS = [...Object.values(USER_FIELDS).map(({ column }) => column), 'deletion_due_at'];

/** @throws UserNotFound */
const userSource: ExportSource = {
  name: 'user',
  tables: ['users'],
  async read(userId, query) {
    const [user] = await query(`SELECT ${USER_COLUMNS.join(', ')} FROM users WHERE id = $1`, [userId]);
    if (!user) throw new UserNotFound();
    return user;
  },
};

/** Sessions, with expired ones that are not deleted yet. */
const sessionsSource: ExportSource = {
  name: 'sessions',
  tables: ['sessions'],
  read: (userId, query) =>
    query(
      `SELECT id, device, host(address) AS address, created_at, refreshed_at, last_used_at, expires_at
         FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT ${MOST_ROWS}`,
      [userId],
    ),
};

/** When the second factor was enabled, and how many recovery codes are left; `null`: there is none. */
const secondFactorSource: ExportSource = {
  name: 'second_factor',
  tables: ['second_factors', 'second_factor_recovery_codes'],
  async read(userId, query) {
    const [factor] = await query(
      `SELECT created_at, confirmed_at,
              (SELECT count(*)::integer FROM second_factor_recovery_codes WHERE user_id = $1) AS recovery_codes
         FROM second_factors WHERE user_id = $1`,
      [userId],
    );
    return factor ?? null;
  },
};

/** Personal access tokens without their hashes. */
const personalTokensSource: ExportSource = {
  name: 'personal_access_tokens',
  tables: ['personal_access_tokens'],
  read: (userId, query) =>
    query(
      `SELECT id, name, scopes, created_at, last_used_at, expires_at
         FROM personal_access_tokens WHERE user_id = $1 ORDER BY id DESC LIMIT ${MOST_ROWS}`,
      [userId],
    ),
};

/** Mails that are still in the table, without links and their hashes. */
const mailsSource: ExportSource = {
  name: 'mails',
  tables: ['mailed_links'],
  read: (userId, query) =>
    query(
      `SELECT id, purpose, email, new_email, host(address) AS address, created_at, expires_at
         FROM mailed_links WHERE user_id = $1 ORDER BY created_at DESC LIMIT ${MOST_ROWS}`,
      [userId],
    ),
};

/** The audit log of their account, without addresses and devices of administrators. */
const activitySource: ExportSource = {
  name: 'activity',
  tables: ['audit_log'],
  read: (userId, query) =>
    query(
      `SELECT id, at, action, outcome, changes, session_id,
              CASE WHEN actor_kind <> 'user' THEN actor_kind WHEN actor_id = user_id THEN 'you' ELSE 'administrator'
              END AS by,
              CASE WHEN actor_id = user_id OR actor_kind = 'anyone' THEN host(address) END AS address,
              CASE WHEN actor_id = user_id OR actor_kind = 'anyone' THEN device END AS device
         FROM audit_log WHERE user_id = $1 ORDER BY id DESC LIMIT ${MOST_ROWS}`,
      [userId],
    ),
};

/** Everything that Usher keeps about a person, in the order of the document. */
export const exportSources: readonly ExportSource[] = [
  userSource,
  sessionsSource,
  secondFactorSource,
  personalTokensSource,
  mailsSource,
  activitySource,
];
