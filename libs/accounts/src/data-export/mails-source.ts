import { type ExportSource, MOST_ROWS } from './export-source.js';

/** What is or was mailed to them, as long as that is kept; not the links, nor their hashes. */
export const mailsSource: ExportSource = {
  name: 'mails',
  tables: ['mailed_links'],
  read: (userId, query) =>
    query(
      `SELECT id, purpose, email, new_email, host(address) AS address, created_at, expires_at
         FROM mailed_links WHERE user_id = $1 ORDER BY created_at DESC LIMIT ${MOST_ROWS}`,
      [userId],
    ),
};
