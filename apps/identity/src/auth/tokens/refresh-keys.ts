import { type Settings } from '#config';
import { hkdfSync } from 'node:crypto';
import { keyInFile } from './key-file.js';

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
  return newest ? [newest, ...older] : [await keyInFile(jwtKeysDir, FILE)];
}

/** Not the secret itself: no key has two uses. */
function derived(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'usher refresh tokens', KEY_BYTES));
}
