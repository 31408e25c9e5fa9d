import { chown, copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client } from 'pg';

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
  await copy(from, to, '');
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

/** All at once: where the process is busy with other things, a thousand files one after the other take their time. */
async function copy(from: string, to: string, path: string): Promise<void> {
  const [source, target] = [join(from, path), join(to, path)];
  try {
    const found = await stat(source);
    if (found.isDirectory()) {
      await mkdir(target, { mode: found.mode });
      const inside = (await readdir(source)).map((name) => (path === '' ? name : `${path}/${name}`));
      const wanted = inside.filter((name) => !LEFT_OUT.some((pattern) => pattern.test(name)));
      await Promise.all(wanted.map((name) => copy(from, to, name)));
    } else {
      await copyFile(source, target);
    }
    await chown(target, found.uid, found.gid);
  } catch (error) {
    // Removed meanwhile; the WAL tells of it.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
