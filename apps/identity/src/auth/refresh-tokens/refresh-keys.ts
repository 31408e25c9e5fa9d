import { type Settings } from '#config';
import { hkdfSync } from 'node:crypto';
import { keyInFile } from '#crypto';

const KEY_BYTES = 32;
export const REFRESH_KEY_FILE = 'refresh.key';

/**
 * The keys of refresh tokens, newest first: derived from `JWT_SECRET` if set, else the file `refresh.key` in
 * `JWT_KEYS_DIR`, which is created if missing.
 *
 * @throws KeyFileUnusable, KeyDirectoryUnusable
 */
export async function loadRefreshKeys({
  jwtSecrets,
  jwtKeysDir,
}: Pick<Settings, 'jwtSecrets' | 'jwtKeysDir'>): Promise<[Buffer, ...Buffer[]]> {
  const [newest, ...older] = jwtSecrets.map((secret) => derivedKey(secret, 'usher refresh tokens'));
  return newest ? [newest, ...older] : [await keyInFile(jwtKeysDir, REFRESH_KEY_FILE)];
}

/** Not the secret itself: one key per use. */
export function derivedKey(secret: string | Buffer, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', use, KEY_BYTES));
}
