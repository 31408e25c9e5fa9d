import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

/** A holder counts as killed when it has not refreshed its lock for this long. */
const STALE_MS = 5_000;
const PATIENCE_MS = 90_000;

/**
 * Runs `work` while no other process does so on the same data directory.
 *
 * The lock is a directory whose time its holder refreshes (proper-lockfile). Two waiters that take over from a
 * killed holder within the same millisecond can both get it, and a suspended machine can lose it. So it keeps
 * things orderly, but `work` must be harmless when it overlaps: PostgreSQL's own postmaster.pid and atomic renames decide.
 *
 * @throws EmbeddedPostgresError `database.embedded_locked` after 90 s of waiting.
 */
export async function withDataDirectoryLock<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  const release = await acquire(dataDir);
  try {
    return await work();
  } finally {
    await release().catch(() => undefined); // another process took the lock over: nothing to release
  }
}

async function acquire(dataDir: string): Promise<() => Promise<void>> {
  const lockfilePath = join(dataDir, 'postgres.lock');
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      // By default a lost lock throws from a timer, which would end the process.
      const onCompromised = (): void => undefined;
      return await lock(dataDir, {
        lockfilePath,
        stale: STALE_MS,
        update: 1_000,
        realpath: false,
        onCompromised,
      });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT')
        await access(dataDir); // two processes took over a dead lock at once: try again if the directory exists
      else if (code !== 'ELOCKED') throw error;
      if (performance.now() > deadline) {
        throw new EmbeddedPostgresError(
          'database.embedded_locked',
          `Another copy of Usher has kept the data directory ${dataDir} locked for ${PATIENCE_MS / 1000} s; if none runs, remove ${lockfilePath}.`,
          { cause: error },
        );
      }
      await delay(30 + Math.random() * 70);
    }
  }
}
