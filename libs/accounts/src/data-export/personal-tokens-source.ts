import { type ExportSource, MOST_ROWS } from './export-source.js';

/** What the tokens for scripts are called and may do; not their hashes. */
export const personalTokensSource: ExportSource = {
  name: 'personal_access_tokens',
  tables: ['personal_access_tokens'],
  read: (userId, query) =>
    query(
      `SELECT id, name, scopes, created_at, last_used_at, expires_at
         FROM personal_access_tokens WHERE user_id = $1 ORDER BY id DESC LIMIT ${MOST_ROWS}`,
      [userId],
    ),
};
