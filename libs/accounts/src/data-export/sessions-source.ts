import { type ExportSource, MOST_ROWS } from './export-source.js';

/** Where the person is logged in, expired sessions that have not been removed yet among them. */
export const sessionsSource: ExportSource = {
  name: 'sessions',
  tables: ['sessions'],
  read: (userId, query) =>
    query(
      `SELECT id, device, host(address) AS address, created_at, refreshed_at, last_used_at, expires_at
         FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT ${MOST_ROWS}`,
      [userId],
    ),
};
