import { randomBytes } from 'node:crypto';
import { KeyDirectoryUnusable, KeyFileUnusable, THERE_AND_NOT } from './key-errors.js';
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
