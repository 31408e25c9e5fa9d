import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadRefreshKeys } from '../auth/refresh-tokens/refresh-keys.js';
import { loadSealKeys } from './options.js';

describe('loadSealKeys', () => {
  let jwtKeysDir: string;

  beforeEach(async () => {
    jwtKeysDir = await mkdtemp(join(tmpdir(), 'usher-seal-keys-'));
  });

  afterEach(() => rm(jwtKeysDir, { recursive: true }));

  it('loadSealKeys derives keys from JWT_SECRET in its order, different from the keys of refresh tokens', async () => {
    const jwtSecrets = ['first secret', 'second secret'];
    const keys = await loadSealKeys({ jwtSecrets, jwtKeysDir });
    expect(keys.map(({ length }) => length)).toEqual([32, 32]);
    expect(await loadSealKeys({ jwtSecrets: ['second secret'], jwtKeysDir })).toEqual([keys[1]]);
    const others = await loadRefreshKeys({ jwtSecrets, jwtKeysDir });
    expect(new Set([...keys, ...others].map((key) => key.toString('hex'))).size).toBe(4);
    expect(await readdir(jwtKeysDir)).toEqual([]);
  });

  it('loadSealKeys derives another key from refresh.key in the shared directory if JWT_SECRET is not set', async () => {
    const [key, ...more] = await loadSealKeys({ jwtSecrets: [], jwtKeysDir });
    expect([key.length, more]).toEqual([32, []]);
    expect(await loadSealKeys({ jwtSecrets: [], jwtKeysDir })).toEqual([key]);
    expect(await readdir(jwtKeysDir)).toEqual(['refresh.key']);
    expect(await readFile(join(jwtKeysDir, 'refresh.key'))).not.toEqual(key);
  });
});
