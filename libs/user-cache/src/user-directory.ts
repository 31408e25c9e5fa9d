import { type DataSource } from 'typeorm';
import { CACHED_USER_SQL, type CachedUser, reviveCachedUser } from './cached-user.js';

export interface UserSearch {
  /** Found anywhere in email, username, names or phone, without regard to case; `%` and `_` are just characters. */
  text?: string | undefined;
  isActive?: boolean | undefined;
  isAdmin?: boolean | undefined;
  /** Only users registered before this one (an id), for the next page. */
  before?: string | undefined;
  limit: number;
}

/** Lists of users, newest first, always from PostgreSQL: a list has no key that it could be cached under. */
export class UserDirectory {
  constructor(private readonly dataSource: DataSource) {}

  async search({ text, isActive, isAdmin, before, limit }: UserSearch): Promise<CachedUser[]> {
    const rows = await this.dataSource.query<{ user: unknown }[]>(
      `SELECT ${CACHED_USER_SQL} AS user FROM users AS u
        WHERE ($1::text IS NULL OR concat_ws(' ', u.email, u.username, u.first_name, u.last_name, u.phone) ILIKE $1)
          AND ($2::boolean IS NULL OR u.is_active = $2)
          AND ($3::boolean IS NULL OR u.is_admin = $3)
          AND ($4::uuid IS NULL OR u.id < $4)
        ORDER BY u.id DESC LIMIT $5`,
      [
        text === undefined ? null : `%${escapeLike(text)}%`,
        isActive ?? null,
        isAdmin ?? null,
        before ?? null,
        limit,
      ],
    );
    return rows.map((row) => reviveCachedUser(row.user)).filter((user) => user !== undefined);
  }
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
