import { type ObjectStore, DiskStore, StorageUnavailable } from '#storage';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTestDirectory } from '../support/postgres/test-directory.js';

/** What every store does, each held against the real thing. */
describe.each([
  ['DiskStore', async () => new DiskStore(join(await makeTestDirectory(), 'made', 'when written to'))],
] satisfies [string, () => Promise<ObjectStore>][])('%s', (_, open) => {
  let store: ObjectStore;

  beforeEach(async () => {
    store = await open();
  });

  it('gives back the bytes that were put, whatever they are', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from([0, 13, 10, 255]), randomBytes(300_000)]) {
      const name = aName();
      await store.put(name, bytes);
      expect((await store.get(name))!.equals(bytes)).toBe(true);
    }
  });

  it('has nothing under a name that was never written, or deleted', async () => {
    const name = aName();
    expect(await store.get(name)).toBeUndefined();
    await store.put(name, Buffer.from('x'));
    await store.delete(name);
    expect(await store.get(name)).toBeUndefined();
    await store.delete(name); // that there is none is no fault
  });

  it('never writes over what is there', async () => {
    const name = aName();
    await store.put(name, Buffer.from('first'));
    await store.put(name, Buffer.from('second'));
    expect((await store.get(name))!.toString()).toBe('first');
  });

  it('lists a folder, with the time of writing, and nothing else', async () => {
    expect(await store.list('folder')).toEqual([]);
    const before = Date.now();
    for (const name of ['folder/a', 'folder/b', 'folders', 'other/c']) await store.put(name, Buffer.alloc(0));
    const listed = await store.list('folder');
    expect(listed.map(({ name }) => name).sort()).toEqual(['folder/a', 'folder/b']);
    for (const { writtenAt } of listed) expect(Math.abs(writtenAt - before)).toBeLessThan(5_000);
  });

  it.each([
    '',
    '.',
    '..',
    '../a',
    'a/../b',
    'a/b/c',
    '/a',
    'a/',
    'A',
    'a\0',
    'a.webp\n',
    'a\\b',
    '.a',
    'a/..',
  ])('takes %j for no name', (name) => {
    expect(() => store.put(name, Buffer.alloc(0))).toThrow(RangeError);
    expect(() => store.get(name)).toThrow(RangeError);
    expect(() => store.delete(name)).toThrow(RangeError);
  });
});

describe('DiskStore', () => {
  it('says that it is unavailable when its directory is none', async () => {
    const path = join(await makeTestDirectory(), 'file');
    await writeFile(path, '');
    const store = new DiskStore(path);
    await expect(store.put('a', Buffer.alloc(1))).rejects.toThrow(StorageUnavailable);
    await expect(store.get('a')).rejects.toThrow(StorageUnavailable);
    await expect(store.list('folder')).rejects.toThrow(StorageUnavailable);
  });

  it('makes its directory again when somebody has taken it away', async () => {
    const directory = join(await makeTestDirectory(), 'store');
    const store = new DiskStore(directory);
    await store.put('a', Buffer.alloc(1));
    await rm(directory, { recursive: true });
    expect(await store.get('a')).toBeUndefined();
    await store.put('b', Buffer.alloc(1));
    expect(await readdir(directory)).toEqual(['b']);
  });

  it('reads no directory as a file', async () => {
    const directory = await makeTestDirectory();
    await mkdir(join(directory, 'pending'));
    await expect(new DiskStore(directory).get('pending')).rejects.toThrow(StorageUnavailable);
  });
});

function aName(): string {
  return `${randomBytes(16).toString('hex')}-512.webp`;
}
