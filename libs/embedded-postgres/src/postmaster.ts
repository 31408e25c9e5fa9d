import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The first process of a running server, as its postmaster.pid tells. */
export interface Postmaster {
  pid: number;
  port: number;
  /** Listens on `port`. Otherwise it is starting or stopping. */
  ready: boolean;
}

/**
 * The server that runs on `dataDirectory` (it may still be starting, or be stopping); `undefined` when there is none.
 *
 * postmaster.pid outlives a killed server, and its number may then belong to another process or a zombie: common in
 * containers, where numbers are small and no process reaps. PostgreSQL would never start, so such a file is removed where
 * the process can be identified (Linux). A pid without a process is left to PostgreSQL, which also waits for orphaned
 * children.
 *
 * Format: https://www.postgresql.org/docs/18/storage-file-layout.html
 */
export async function findPostmaster(dataDirectory: string): Promise<Postmaster | undefined> {
  const file = join(dataDirectory, 'postmaster.pid');
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const ready = /^(ready|standby)\s*$/.test(lines[7] ?? ''); // a standby answers reads
  const postmaster = { pid: Number(lines[0]), port: Number(lines[3]), ready };
  if (!(postmaster.pid > 0) || !answersToSignals(postmaster.pid)) return undefined;
  if (process.platform !== 'linux') return postmaster;

  const directory = await realpath(dataDirectory);
  if (await worksIn(directory, postmaster.pid)) return postmaster;
  if (!(await anyWorksIn(directory))) await rm(file, { force: true });
  return undefined;
}

/** Whether there is such a process, of any account, or a zombie. */
export function answersToSignals(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** All processes of a server work in its data directory. A zombie works nowhere. */
async function worksIn(directory: string, pid: number | string): Promise<boolean> {
  return (await readlink(`/proc/${pid}/cwd`).catch(() => undefined)) === directory;
}

async function anyWorksIn(directory: string): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return (await Promise.all(pids.map((pid) => worksIn(directory, pid)))).includes(true);
}
