import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KeyDirectoryUnusable, KeyFileUnusable } from '#crypto';
import { loadRefreshKeys } from './refresh-keys.js';

let root: string;
let jwtKeysDir: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'usher-refresh-keys-'));
  jwtKeysDir = join(root, 'data', 'keys');
});
afterEach(() => rm(root, { recursive: true }));

const load = (jwtSecrets: string[] = []): Promise<[Buffer, ...Buffer[]]> =>
  loadRefreshKeys({ jwtSecrets, jwtKeysDir });

describe('the keys of refresh tokens', () => {
  it('refresh keys come from JWT_SECRET if set, one per secret in order, without a file', async () => {
    const [newest, older, ...more] = await load(['first secret', 'second secret']);
    expect(more).toEqual([]);
    expect([newest, older!].map(({ length }) => length)).toEqual([32, 32]);
    expect(newest).not.toEqual(older);
    expect(await load(['second secret'])).toEqual([older]);
    expect(await readdir(root)).toEqual([]);
  });

  it('refresh keys are not the secret itself, which signs access tokens', async () => {
    const secret = 'x'.repeat(32);
    const [key] = await load([secret]);
    expect(key.includes(secret)).toBe(false);
  });

  it('refresh keys come otherwise from a file, which is created once', async () => {
    const [key, ...more] = await load();
    expect([key.length, more]).toEqual([32, []]);
    expect(await load()).toEqual([key]);
    expect(await readdir(jwtKeysDir)).toEqual(['refresh.key']);
    expect(await readFile(join(jwtKeysDir, 'refresh.key'))).toEqual(key);
  });

  it('refresh keys are readable only by their owner', async () => {
    await load();
    expect((await stat(jwtKeysDir)).mode & 0o077).toBe(0);
    expect((await stat(join(jwtKeysDir, 'refresh.key'))).mode & 0o077).toBe(0);
  });

  it('refresh keys are the same for all who start together, and leave nothing half written', async () => {
    const keys = await Promise.all(Array.from({ length: 30 }, () => load()));
    expect(new Set(keys.map(([key]) => key.toString('hex'))).size).toBe(1);
    expect(await readdir(jwtKeysDir)).toEqual(['refresh.key']);
  });

  it.each([0, 31, 33])(
    'refresh keys are refused when the file has %i bytes, and it is left as it is',
    async (length) => {
      await mkdir(jwtKeysDir, { recursive: true });
      const path = join(jwtKeysDir, 'refresh.key');
      await writeFile(path, Buffer.alloc(length, 0x61));
      const fault: unknown = await load().catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(KeyFileUnusable);
      expect((fault as Error).message).toContain(path);
      if (length > 0) expect((fault as Error).message).not.toContain('aaaa');
      expect((await readFile(path)).length).toBe(length);
    },
  );

  it('refresh keys are refused when the name is taken by a link to nowhere', async () => {
    await mkdir(jwtKeysDir, { recursive: true });
    await symlink(join(root, 'nowhere'), join(jwtKeysDir, 'refresh.key'));
    await expect(load()).rejects.toThrow(KeyFileUnusable);
    expect(await readdir(jwtKeysDir)).toEqual(['refresh.key']);
  });

  it('refresh keys name the directory that cannot be one', async () => {
    await writeFile(join(root, 'data'), 'a file');
    await expect(load()).rejects.toBeInstanceOf(KeyDirectoryUnusable);
    await expect(load()).rejects.toThrow(jwtKeysDir);
  });
});
