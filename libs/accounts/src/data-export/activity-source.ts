import { type ExportSource, MOST_ROWS } from './export-source.js';

/** What the audit log has about their account. Where an administrator sits is not theirs to know. */
export const activitySource: ExportSource = {
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
