import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { KeyDirectoryUnusable, KeyFileUnusable } from './key-faults.js';
import { keyFromPem, type SigningKey } from './signing-key.js';

const CANDIDATE = '.first-key';

/**
 * A directory of ES256 private keys, `<kid>.pem`, which several instances may share.
 *
 * Instances that start together on an empty one end with the same key, without locks or time-outs, whichever of them dies
 * in between. A first key is elected by `link()`, which makes the whole file appear or fails:
 *
 *  1. no `*.pem`: link a fresh key to the one fixed name `.first-key`; whose link fails, takes the one that is there
 *  2. look for `*.pem` once more; only when there is still none, link the elected key to its own name
 *  3. remove `.first-key`
 *
 * `.first-key` is removed only when a `*.pem` can be seen, so until the first `*.pem` appears there is one candidate and
 * whoever publishes, publishes that. Afterwards a late-comer's candidate loses at step 2.
 */
export class KeyDirectory {
  constructor(private readonly path: string) {}

  /**
   * Every key in the directory, newest file first; at least one, for a first one is made.
   * @throws KeyFileUnusable, KeyDirectoryUnusable
   */
  async load(): Promise<SigningKey[]> {
    try {
      let names = await this.keyFiles();
      if (names.length === 0) {
        await this.elect();
        names = await this.keyFiles();
      }
      const files = await Promise.all(names.map((name) => this.read(name)));
      return files.sort(newestFirst).map(({ key }) => key);
    } catch (fault) {
      if (fault instanceof KeyFileUnusable) throw fault;
      throw new KeyDirectoryUnusable(this.path, fault);
    }
  }

  /** Ends when there is a key file. */
  private async elect(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    const candidate = join(this.path, CANDIDATE);
    while ((await this.keyFiles()).length === 0) {
      await this.nominate(candidate);
      const elected = await ifAny(readFile(candidate));
      if (elected && (await this.keyFiles()).length === 0) {
        const { kid } = readKey(candidate, elected);
        await unlessThere(link(candidate, join(this.path, `${kid}.pem`)));
      }
    }
    await rm(candidate, { force: true });
  }

  /** Written under a name of its own and made durable first: nobody ever reads half a key. */
  private async nominate(candidate: string): Promise<void> {
    const draft = join(this.path, `.${randomUUID()}.tmp`);
    try {
      const file = await open(draft, 'wx', 0o600);
      try {
        await file.writeFile(generatePem());
        await file.sync();
      } finally {
        await file.close();
      }
      await unlessThere(link(draft, candidate));
    } finally {
      await rm(draft, { force: true });
    }
  }

  private async keyFiles(): Promise<string[]> {
    const names = (await ifAny(readdir(this.path))) ?? [];
    return names.filter((name) => name.endsWith('.pem') && !name.startsWith('.'));
  }

  private async read(name: string): Promise<{ key: SigningKey; modifiedAt: number }> {
    const path = join(this.path, name);
    try {
      const [pem, { mtimeMs }] = await Promise.all([readFile(path), stat(path)]);
      return { key: readKey(path, pem), modifiedAt: mtimeMs };
    } catch (fault) {
      if (fault instanceof KeyFileUnusable) throw fault;
      throw new KeyFileUnusable(path, `it cannot be read (${codeOf(fault) ?? 'unknown error'})`);
    }
  }
}

function readKey(path: string, pem: Buffer): SigningKey {
  try {
    return keyFromPem(pem);
  } catch (fault) {
    throw new KeyFileUnusable(path, fault instanceof TypeError ? fault.message : 'it cannot be read');
  }
}

/** By id where the clock is too coarse, so that all instances agree. */
function newestFirst(
  a: { key: SigningKey; modifiedAt: number },
  b: { key: SigningKey; modifiedAt: number },
): number {
  return b.modifiedAt - a.modifiedAt || (a.key.kid < b.key.kid ? -1 : 1);
}

function generatePem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

async function ifAny<T>(lookup: Promise<T>): Promise<T | undefined> {
  try {
    return await lookup;
  } catch (fault) {
    if (codeOf(fault) === 'ENOENT') return undefined;
    throw fault;
  }
}

/** ENOENT: the candidate went away meanwhile, which means that a key was published. The caller looks again. */
async function unlessThere(linking: Promise<void>): Promise<void> {
  try {
    await linking;
  } catch (fault) {
    if (codeOf(fault) !== 'EEXIST' && codeOf(fault) !== 'ENOENT') throw fault;
  }
}

function codeOf(fault: unknown): string | undefined {
  return (fault as NodeJS.ErrnoException).code;
}
