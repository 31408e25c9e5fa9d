import { randomBytes } from 'node:crypto';
import { SharedDirectory } from './shared-directory.js';

const KEY_BYTES = 32;
/** Only by bad luck is it there when it is made, and gone when it is read. */
const ROUNDS = 10;

/**
 * The 32 random bytes in a file of the key directory, which is made when there is none. Instances that start together
 * end with the same key: the whole file appears, or there is one already.
 *
 * @throws KeyFileUnusable, KeyDirectoryUnusable
 */
export async function keyInFile(directoryPath: string, name: string): Promise<Buffer> {
  try {
    return await keyIn(new SharedDirectory(directoryPath), name);
  } catch (fault) {
    if (fault instanceof KeyFileUnusable) throw fault;
    throw new KeyDirectoryUnusable(directoryPath, fault);
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
  throw new KeyFileUnusable(directory.file(name), THERE_AND_NOT);
}

/** A file in the key directory is no key for us. Names the file; what is in it stays there. */
export class KeyFileUnusable extends Error {
  override readonly name = 'KeyFileUnusable';
  readonly code = 'auth.key_file_unusable';

  constructor(path: string, why: string) {
    super(`The signing key ${path} cannot be used: ${why}.`);
  }
}

/** Its name is taken, and there is nothing to read. */
export const THERE_AND_NOT = 'it can be neither read nor made, as a link to nowhere';

/** The key directory can't be read, or no first key can be made in it. */
export class KeyDirectoryUnusable extends Error {
  override readonly name = 'KeyDirectoryUnusable';
  readonly code = 'auth.key_directory_unusable';

  constructor(path: string, cause: unknown) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    super(`The directory of signing keys ${path} cannot be used (${why}).`, { cause });
  }
}

/** What the directory says about which key signs is not to be understood, or names a key that is not there. */
export class KeyStateUnusable extends Error {
  override readonly name = 'KeyStateUnusable';
  readonly code = 'auth.key_state_unusable';

  constructor(path: string, why: string) {
    super(`The state of the signing keys ${path} cannot be used: ${why}.`);
  }
}
