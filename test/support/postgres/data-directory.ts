import { existsSync, watch } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedServer } from '#embedded-postgres';
import { signalServer } from './server-processes.js';
import { makeTestDirectory } from '../process/test-directory.js';

/** A DATA_DIR of a test's own, and what the embedded PostgreSQL does there. */
export class DataDirectory {
  constructor(readonly path: string) {}

  static async make(): Promise<DataDirectory> {
    return new DataDirectory(await makeTestDirectory());
  }

  /** From the server's own note; `undefined` when it has stopped in good order. */
  async postgres(): Promise<number | undefined> {
    const note = await readFile(join(this.path, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '');
    return note === '' ? undefined : Number(note.split('\n')[0]);
  }

  async entries(): Promise<string[]> {
    return (await readdir(this.path)).sort();
  }

  /** Resolves as soon as there is an entry of such a name in the directory, or in one below it. */
  async appears(name: RegExp, below = '.'): Promise<void> {
    const directory = join(this.path, below);
    await new Promise<void>((resolve) => {
      const watcher = watch(directory, (_event, entry) => {
        if (!entry || !name.test(entry)) return;
        watcher.close();
        resolve();
      });
    });
  }

  /** Kills a server that is still running, and removes everything. */
  async remove(): Promise<void> {
    if (!existsSync(this.path)) return;
    await signalServer(await EmbeddedServer.at(this.path), 'SIGKILL');
    await rm(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
