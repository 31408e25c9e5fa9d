import { UserNotFound } from '../users/user-errors.js';
import { type ExportSource } from './export-source.js';

/** All of the row but the hash of the password. By name, so that a secret that joins the row stays out. */
const COLUMNS = [
  'id',
  'email',
  'email_verified',
  'username',
  'first_name',
  'last_name',
  'phone',
  'bio',
  'avatar_url',
  'occupation',
  'location',
  'is_active',
  'is_admin',
  'roles',
  'app_metadata',
  'user_metadata',
  'created_at',
  'updated_at',
  'deletion_due_at',
];

/** @throws UserNotFound */
export const userSource: ExportSource = {
  name: 'user',
  tables: ['users'],
  async read(userId, query) {
    const [user] = await query(`SELECT ${COLUMNS.join(', ')} FROM users WHERE id = $1`, [userId]);
    if (!user) throw new UserNotFound();
    return user;
  },
};
