import { randomBytes } from 'node:crypto';
import { SharedDirectory } from './shared-directory.js';

const KEY_BYTES = 32;
/** Another process may delete the file between the failed creation and the next read. */
const ROUNDS = 10;

/**
 * The 32 random bytes in a file of the key directory. A missing file is created. Instances that start together get the same
 * key, because the file appears complete or exists already.
 *
 * @throws KeyFileUnusable, KeyDirectoryUnusable
 */
export async function keyInFile(directoryPath: string, name: string): Promise<Buffer> {
  try {
    return await keyIn(new SharedDirectory(directoryPath), name);
  } catch (error) {
    if (error instanceof KeyFileUnusable) throw error;
    throw new KeyDirectoryUnusable(directoryPath, error);
  }
}

async function keyIn(directory: SharedDirectory, name: string): Promise<Buffer> {
  await directory.make();
  for (let round = 0; round < ROUNDS; round++) {
    const key = await directory.read(name);
    if (key?.length === KEY_BYTES) return key;
    if (key) throw new KeyFileUnusable(directory.file(name), `it does not have ${KEY_BYTES} bytes`);
    await directory.appear(name, () => randomBytes(KEY_BYTES));
  }
  throw new KeyFileUnusable(directory.file(name), NEITHER_READABLE_NOR_CREATABLE);
}

/** A file in the key directory is not a usable key. The message names the file and shows none of its content. */
export class KeyFileUnusable extends Error {
  override readonly name = 'KeyFileUnusable';
  readonly code = 'auth.key_file_unusable';

  constructor(path: string, why: string) {
    super(`The signing key ${path} cannot be used: ${why}.`);
  }
}

/** The name exists, and reading it fails. */
export const NEITHER_READABLE_NOR_CREATABLE = 'it can be neither read nor made, as a link to nowhere';

/** The key directory can't be read, or no first key can be made in it. */
export class KeyDirectoryUnusable extends Error {
  override readonly name = 'KeyDirectoryUnusable';
  readonly code = 'auth.key_directory_unusable';

  constructor(path: string, cause: unknown) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    super(`The directory of signing keys ${path} cannot be used (${why}).`, { cause });
  }
}

/** The file that names the signing key cannot be parsed, or names a key that does not exist. */
export class KeyStateUnusable extends Error {
  override readonly name = 'KeyStateUnusable';
  readonly code = 'auth.key_state_unusable';

  constructor(path: string, why: string) {
    super(`The state of the signing keys ${path} cannot be used: ${why}.`);
  }
}
