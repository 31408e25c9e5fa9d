import { type Settings } from '#config';
import { createSecretKey, type KeyObject } from 'node:crypto';
import { keyInFile } from '#crypto';

const FILE = 'encryption.key';

/**
 * The keys that encrypt secrets, newest first: `ENCRYPTION_KEY` if set, else the file `encryption.key` in
 * `JWT_KEYS_DIR`, which is created if missing. To move from the file to the setting, list what `base64
 * encryption.key` prints.
 *
 * @throws KeyFileUnusable, KeyDirectoryUnusable
 */
export async function loadEncryptionKeys({
  encryptionKeys: [newest, ...older],
  jwtKeysDir,
}: Pick<Settings, 'encryptionKeys' | 'jwtKeysDir'>): Promise<[KeyObject, ...KeyObject[]]> {
  return newest ? [newest, ...older] : [createSecretKey(await keyInFile(jwtKeysDir, FILE))];
}
