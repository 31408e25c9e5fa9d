import { type Settings } from '#config';
import { hkdfSync, randomBytes } from 'node:crypto';
import { KeyDirectoryUnusable, KeyFileUnusable } from './key-faults.js';
import { SharedDirectory } from './shared-directory.js';

const KEY_BYTES = 32;
const FILE = 'refresh.key';

/**
 * The keys that refresh tokens are made with, newest first: derived from `JWT_SECRET` where that is set, else the file
 * `refresh.key` in `JWT_KEYS_DIR`, which is made when there is none.
 *
 * @throws KeyFileUnusable, KeyDirectoryUnusable
 */
export async function loadRefreshKeys({
  jwtSecrets,
  jwtKeysDir,
}: Pick<Settings, 'jwtSecrets' | 'jwtKeysDir'>): Promise<[Buffer, ...Buffer[]]> {
  const [newest, ...older] = jwtSecrets.map(derived);
  if (newest) return [newest, ...older];
  try {
    return [await keyIn(new SharedDirectory(jwtKeysDir))];
  } catch (fault) {
    if (fault instanceof KeyFileUnusable) throw fault;
    throw new KeyDirectoryUnusable(jwtKeysDir, fault);
  }
}

/** Not the secret itself: no key has two uses. */
function derived(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'usher refresh tokens', KEY_BYTES));
}

/** Instances that start together end with the same key: the whole file appears, or there is one already. */
async function keyIn(directory: SharedDirectory): Promise<Buffer> {
  await directory.make();
  for (;;) {
    const key = await directory.read(FILE);
    if (key?.length === KEY_BYTES) return key;
    if (key) throw new KeyFileUnusable(directory.file(FILE), `it does not have ${KEY_BYTES} bytes`);
    await directory.appear(FILE, () => randomBytes(KEY_BYTES));
  }
}
