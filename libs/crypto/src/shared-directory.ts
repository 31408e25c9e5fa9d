import { randomUUID } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const DRAFT = /^\.[0-9a-f-]{36}\.tmp$/;

/** A directory that several processes write to without locks: a file appears whole or not at all, and replaces none. */
export class SharedDirectory {
  constructor(readonly path: string) {}

  async make(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
  }

  /** None where there is no directory. */
  async names(): Promise<string[]> {
    return (await ifAny(readdir(this.path))) ?? [];
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** `undefined`: there is none. */
  read(name: string): Promise<Buffer | undefined> {
    return ifAny(readFile(this.file(name)));
  }

  /** When and as what it was last written. `undefined`: there is none. */
  async version(name: string): Promise<{ writtenAt: number; etag: string } | undefined> {
    const found = await ifAny(stat(this.file(name)));
    return found && { writtenAt: found.mtimeMs, etag: [found.mtimeMs, found.size, found.ino].join() };
  }

  /**
   * Writes and syncs the file under a temporary name first, so that no reader sees half of it.
   *
   * @param content gets the time of the directory's file system, which may be another machine's, in milliseconds since 1970
   * @returns whether it appeared; `false`: there is one of that name, which stays as it is
   */
  async appear(name: string, content: (nowMs: number) => string | Buffer): Promise<boolean> {
    const draft = this.file(`.${randomUUID()}.tmp`);
    try {
      const file = await open(draft, 'wx', 0o600);
      try {
        const { mtimeMs } = await file.stat();
        await this.giveAway(file);
        await file.writeFile(content(mtimeMs));
        await file.sync();
      } finally {
        await file.close();
      }
      return await this.link(draft, name);
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** @returns whether `name` appeared; `false`: there is one, or `path` went away meanwhile */
  async link(path: string, name: string): Promise<boolean> {
    try {
      await link(path, this.file(name));
    } catch (error) {
      if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT') return false;
      throw error;
    }
    await this.sync();
    return true;
  }

  async remove(name: string): Promise<void> {
    await rm(this.file(name), { force: true });
  }

  /** What it is by the clock of the directory's file system, in milliseconds since 1970. */
  async now(): Promise<number> {
    const probe = this.file(`.${randomUUID()}.tmp`);
    try {
      const file = await open(probe, 'wx', 0o600);
      try {
        return (await file.stat()).mtimeMs;
      } finally {
        await file.close();
      }
    } finally {
      await rm(probe, { force: true });
    }
  }

  /** Drafts of processes that died while they wrote. */
  async removeDraftsBefore(timeMs: number): Promise<void> {
    for (const name of (await this.names()).filter((each) => DRAFT.test(each))) {
      const version = await this.version(name);
      if (version && version.writtenAt < timeMs) await this.remove(name);
    }
  }

  /** A file of root's would be unreadable for a service with another account. */
  private async giveAway(file: FileHandle): Promise<void> {
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = await stat(this.path);
    if (uid !== 0) await file.chown(uid, gid);
  }

  /** Makes the name durable. Some file systems can't, and some do it by themselves. */
  private async sync(): Promise<void> {
    try {
      const directory = await open(this.path, 'r');
      await directory.sync().finally(() => directory.close());
    } catch {
      // The file is complete in any case; a crash of the file server may lose its name.
    }
  }
}

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

async function ifAny<T>(lookup: Promise<T>): Promise<T | undefined> {
  try {
    return await lookup;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
