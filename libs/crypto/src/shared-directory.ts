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
   * Written under a name of its own and made durable first: nobody ever reads half a file.
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
    } catch (fault) {
      if (codeOf(fault) === 'EEXIST' || codeOf(fault) === 'ENOENT') return false;
      throw fault;
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

  /** Written by root, it would be of no use to a service that has an account of its own. */
  private async giveAway(file: FileHandle): Promise<void> {
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = await stat(this.path);
    if (uid !== 0) await file.chown(uid, gid);
  }

  /** The name itself made durable, before anybody relies on it. Some file systems can't, and some do it unasked. */
  private async sync(): Promise<void> {
    try {
      const directory = await open(this.path, 'r');
      await directory.sync().finally(() => directory.close());
    } catch {
      // The file is whole in any case; after a crash of the file system's machine it may not be there.
    }
  }
}

export function codeOf(fault: unknown): string | undefined {
  return (fault as NodeJS.ErrnoException).code;
}

async function ifAny<T>(lookup: Promise<T>): Promise<T | undefined> {
  try {
    return await lookup;
  } catch (fault) {
    if (codeOf(fault) === 'ENOENT') return undefined;
    throw fault;
  }
}
