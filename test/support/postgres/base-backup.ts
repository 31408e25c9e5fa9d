import { chown, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client } from 'pg';
import { copyTree } from './copy-tree.js';

/** What a copy must not have: it belongs to the running server, or comes from it later. As pg_basebackup has it. */
const LEFT_OUT = [
  /^pg_(wal|replslot|dynshmem|notify|serial|snapshots|stat_tmp|subtrans)\/./,
  /^(postmaster\.(pid|opts)|backup_label.*|standby\.signal)$/,
  /(^|\/)pgsql_tmp/,
  /(^|\/)pg_internal\.init/,
];

/**
 * Copies the files of a running server to a directory that does not exist. There is no pg_basebackup among the
 * embedded programs. The WAL is left out: who starts on the copy has to get it from the server by streaming.
 *
 * @see https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
 */
export async function baseBackup(client: Client, from: string, to: string): Promise<void> {
  await client.query(`SELECT pg_backup_start('copy', fast => true)`);
  await copyTree(from, to, (path) => !LEFT_OUT.some((pattern) => pattern.test(path)));
  const { rows } = await client.query<{ labelfile: string }>(
    'SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)',
  );
  await writeLike(join(from, 'PG_VERSION'), join(to, 'backup_label'), rows[0]!.labelfile);
}

/** A file with the owner and the rights of another. */
export async function writeLike(like: string, path: string, text: string): Promise<void> {
  const { uid, gid, mode } = await stat(like);
  await writeFile(path, text, { mode });
  await chown(path, uid, gid);
}
