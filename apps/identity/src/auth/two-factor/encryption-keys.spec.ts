import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KeyFileUnusable } from '#crypto';
import { loadEncryptionKeys } from './encryption-keys.js';

let jwtKeysDir: string;

beforeEach(async () => {
  jwtKeysDir = await mkdtemp(join(tmpdir(), 'usher-encryption-keys-'));
});
afterEach(() => rm(jwtKeysDir, { recursive: true }));

describe('the keys that encrypt', () => {
  it('encryption keys come from ENCRYPTION_KEY if set, in order, without a file', async () => {
    const keys = [randomBytes(32), randomBytes(32)].map((bytes) => createSecretKey(bytes));
    expect(await loadEncryptionKeys({ encryptionKeys: keys, jwtKeysDir })).toEqual(keys);
    expect(await readdir(jwtKeysDir)).toEqual([]);
  });

  it('encryption keys come otherwise from a file, created once and readable only by its owner', async () => {
    const loaded = await Promise.all(
      Array.from({ length: 10 }, () => loadEncryptionKeys({ encryptionKeys: [], jwtKeysDir })),
    );
    const path = join(jwtKeysDir, 'encryption.key');
    const key = createSecretKey(await readFile(path));
    for (const keys of loaded) expect(keys.map((each) => each.equals(key))).toEqual([true]);
    expect((await stat(path)).mode & 0o077).toBe(0);
    expect(await readdir(jwtKeysDir)).toEqual(['encryption.key']);
  });

  it('encryption keys are refused if the file is malformed', async () => {
    await writeFile(join(jwtKeysDir, 'encryption.key'), 'short');
    await expect(loadEncryptionKeys({ encryptionKeys: [], jwtKeysDir })).rejects.toThrow(KeyFileUnusable);
  });
});
