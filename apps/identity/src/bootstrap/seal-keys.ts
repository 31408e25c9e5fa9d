import { type SealKeys } from '#cache';
import { type Settings } from '#config';
import { keyInFile } from '#crypto';
import { derivedKey, REFRESH_KEY_FILE } from '../auth/refresh-tokens/refresh-keys.js';

/**
 * The keys that seal what instances leave in Redis for each other, newest first. They are derived from what all
 * instances share already, the secrets behind their refresh tokens. After a change of JWT_SECRET, what was sealed by a
 * secret that is gone is a miss.
 *
 * @throws KeyFileUnusable, KeyDirectoryUnusable
 */
export async function loadSealKeys({
  jwtSecrets,
  jwtKeysDir,
}: Pick<Settings, 'jwtSecrets' | 'jwtKeysDir'>): Promise<SealKeys> {
  const [newest, ...older] = jwtSecrets;
  const first = newest ?? (await keyInFile(jwtKeysDir, REFRESH_KEY_FILE));
  return [derived(first), ...older.map(derived)];
}

function derived(secret: string | Buffer): Buffer {
  return derivedKey(secret, 'usher cache entries');
}
