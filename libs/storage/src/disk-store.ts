import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OBJECT_NAME, ObjectStore, StorageUnavailable, type StoredName } from './object-store.js';

/** Files in a directory, made when first written to. Several instances may share it. */
export class DiskStore extends ObjectStore {
  /** @param directory absolute */
  constructor(private readonly directory: string) {
    super();
  }

  put(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    return asStorage(async () => {
      await mkdir(dirname(path), { recursive: true });
      try {
        await writeDurably(path, bytes);
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return;
        // A full disk leaves a partial file.
        await rm(path, { force: true }).catch(() => undefined);
        throw error;
      }
    });
  }

  get(name: string): Promise<Buffer | undefined> {
    const path = this.#path(name);
    return asStorage(() => readFile(path).catch(undefinedIfAbsent));
  }

  delete(name: string): Promise<void> {
    const path = this.#path(name);
    return asStorage(() => rm(path, { force: true }));
  }

  list(folder: string): Promise<StoredName[]> {
    const directory = dirname(this.#path(`${folder}/any`));
    return asStorage(async () => {
      const files = (await readdir(directory).catch(undefinedIfAbsent)) ?? [];
      const found = await Promise.all(
        files.map(async (file) => {
          const stats = await stat(join(directory, file)).catch(undefinedIfAbsent);
          return stats && { name: `${folder}/${file}`, writtenAt: stats.mtimeMs };
        }),
      );
      return found.filter((each) => each !== undefined);
    });
  }

  #path(name: string): string {
    if (!OBJECT_NAME.test(name)) throw new RangeError('No such name can be in the store.');
    return join(this.directory, name);
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync(); // or after a power cut a committed row could name a lost file
  } finally {
    await file.close();
  }
}

async function asStorage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new StorageUnavailable(error);
  }
}

function undefinedIfAbsent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}
