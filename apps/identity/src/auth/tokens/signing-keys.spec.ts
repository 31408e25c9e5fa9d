import { execFile } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { transformFile } from '@swc/core';

import { SigningKeys } from './signing-keys.js';

let root: string;
let keysDir: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'usher-keys-'));
  keysDir = join(root, 'data', 'keys');
});
afterEach(() => rm(root, { recursive: true }));

const load = (): Promise<SigningKeys> => SigningKeys.load({ jwtSecret: undefined, jwtKeysDir: keysDir });

function aPem(namedCurve = 'P-256'): string {
  return generateKeyPairSync('ec', { namedCurve })
    .privateKey.export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

async function aKeyFile(name: string, content: string): Promise<void> {
  await mkdir(keysDir, { recursive: true });
  await writeFile(join(keysDir, name), content);
}

/** Plain JavaScript for other processes, where every call to the file system takes a random while: all interleavings. */
async function compileTo(directory: string, names: string[]): Promise<void> {
  for (const name of names) {
    const { code } = await transformFile(join(import.meta.dirname, `${name}.ts`), {
      jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2022' },
      module: { type: 'es6' },
    });
    await writeFile(join(directory, `${name}.js`), code.replace('node:fs/promises', './dawdling-fs.js'));
  }
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  await writeFile(
    join(directory, 'dawdling-fs.js'),
    `import * as fs from 'node:fs/promises';
     const dawdling = (call) => async (...args) => {
       await new Promise((resolve) => setTimeout(resolve, Math.random() ** 3 * 30));
       return call(...args);
     };
     export const [link, mkdir, open, readdir, readFile, rm, stat] =
       [fs.link, fs.mkdir, fs.open, fs.readdir, fs.readFile, fs.rm, fs.stat].map(dawdling);`,
  );
}

describe('SigningKeys from a directory', () => {
  it('makes a first key, readable by its owner alone, and finds it again', async () => {
    const first = await load();
    expect(await readdir(keysDir)).toEqual([`${first.current.kid}.pem`]);
    expect((await stat(keysDir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(keysDir, `${first.current.kid}.pem`))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(keysDir, `${first.current.kid}.pem`), 'utf8')).toMatch(
      /^-----BEGIN PRIVATE KEY/,
    );

    const second = await load();
    expect(second.current.kid).toBe(first.current.kid);
    expect(second.current.algorithm).toBe('ES256');
  });

  it('names a key by its RFC 7638 thumbprint, whatever its file is called', async () => {
    const pem = aPem();
    await aKeyFile('any name.pem', pem);
    const { crv, kty, x, y } = createPublicKey(pem).export({ format: 'jwk' });
    const thumbprint = createHash('sha256')
      .update(`{"crv":"${crv}","kty":"${kty}","x":"${x}","y":"${y}"}`)
      .digest('base64url');

    const keys = await load();
    expect(keys.current.kid).toBe(thumbprint);
    expect(keys.get(thumbprint)).toBe(keys.current);
    expect(keys.get('any name')).toBeUndefined();
  });

  it('signs with the newest and verifies with all', async () => {
    await aKeyFile('a.pem', aPem());
    await aKeyFile('b.pem', aPem());
    await aKeyFile('c.pem', aPem());
    for (const [name, time] of [
      ['a.pem', 1_000],
      ['b.pem', 3_000],
      ['c.pem', 2_000],
    ] as const) {
      await utimes(join(keysDir, name), time, time);
    }
    const keys = await load();
    const newest = createPublicKey(await readFile(join(keysDir, 'b.pem')));
    expect(keys.current.verifyWith.equals(newest)).toBe(true);
    expect([...keys.all()]).toHaveLength(3);
  });

  it('agrees on one key when many start at once in one process', async () => {
    for (let round = 0; round < 10; round++) {
      await rm(keysDir, { recursive: true, force: true });
      const instances = await Promise.all(Array.from({ length: 8 }, load));
      const kids = new Set(instances.flatMap((keys) => [...keys.all()].map(({ kid }) => kid)));
      expect(kids.size).toBe(1);
      expect(await readdir(keysDir)).toEqual([`${[...kids][0]}.pem`]);
    }
  });

  it('agrees on one key when 8 processes start at once, on a file system that dawdles', async () => {
    await compileTo(root, ['key-directory', 'key-faults', 'signing-key']);
    const directories = Array.from({ length: 10 }, (_, round) => join(root, `shared-${round}`));
    const program = `
      import { KeyDirectory } from './key-directory.js';
      for (const path of ${JSON.stringify(directories)}) {
        const keys = await new KeyDirectory(path).load();
        console.log(keys.map(({ kid }) => kid + '.pem').join());
      }`;
    const run = promisify(execFile);
    const runs = await Promise.all(
      Array.from({ length: 8 }, () =>
        run(process.execPath, ['--input-type=module', '--eval', program], { cwd: root, env: {} }),
      ),
    );
    for (const [round, directory] of directories.entries()) {
      const agreed = new Set(runs.map(({ stdout }) => stdout.split('\n')[round]));
      expect([...agreed]).toEqual(await readdir(directory));
    }
  });

  it('takes over the candidate of an instance that died before it published', async () => {
    const pem = aPem();
    await aKeyFile('.first-key', pem);
    const keys = await load();
    expect(keys.current.verifyWith.equals(createPublicKey(pem))).toBe(true);
    expect(await readdir(keysDir)).toEqual([`${keys.current.kid}.pem`]);
  });

  it('ignores a candidate that is left beside a published key', async () => {
    const pem = aPem();
    await aKeyFile('published.pem', pem);
    await aKeyFile('.first-key', aPem());
    const keys = await load();
    expect(keys.current.verifyWith.equals(createPublicKey(pem))).toBe(true);
    expect([...keys.all()]).toHaveLength(1);
  });

  it('ignores drafts, hidden files and what is no .pem', async () => {
    const { kid } = (await load()).current;
    await link(join(keysDir, `${kid}.pem`), join(keysDir, '.hidden.pem'));
    await aKeyFile('.draft.tmp', 'half a key');
    await aKeyFile('README', 'keys');
    expect([...(await load()).all()]).toHaveLength(1);
  });

  it.each([
    ['garbage', 'garbage that nobody may read', /not an unencrypted private key/],
    ['an empty file', '', /not an unencrypted private key/],
    ['half a key', aPem().slice(0, 60), /not an unencrypted private key/],
    [
      'a public key',
      createPublicKey(aPem()).export({ format: 'pem', type: 'spki' }).toString(),
      /not an unenc/,
    ],
    ['a key on another curve', aPem('P-384'), /not a key on the curve P-256/],
    [
      'an Ed25519 key',
      generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      /not a key on the curve P-256/,
    ],
    [
      'an encrypted key',
      generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' })
        .toString(),
      /not an unencrypted private key/,
    ],
  ])('names the file of %s, not its content', async (_what, content, why) => {
    await load();
    await aKeyFile('broken.pem', content);
    const fault = await load().catch((error: unknown) => error as Error);
    expect(fault).toMatchObject({ code: 'auth.key_file_unusable', message: expect.stringMatching(why) });
    expect((fault as Error).message).toContain(join(keysDir, 'broken.pem'));
    if (content) expect((fault as Error).stack).not.toContain(content.slice(0, 40));
  });

  it('names a file that cannot be read', async () => {
    await mkdir(join(keysDir, 'folder.pem'), { recursive: true });
    await expect(load()).rejects.toMatchObject({
      code: 'auth.key_file_unusable',
      message: `The signing key ${join(keysDir, 'folder.pem')} cannot be used: it cannot be read (EISDIR).`,
    });
  });

  it('names a directory that cannot be one', async () => {
    await mkdir(join(root, 'data'));
    await writeFile(keysDir, 'a file');
    await expect(load()).rejects.toMatchObject({
      code: 'auth.key_directory_unusable',
      message: `The directory of signing keys ${keysDir} cannot be used (ENOTDIR).`,
    });
  });
});

describe('SigningKeys from a secret', () => {
  it('has one HS256 key, whose id is stable and differs from secret to secret', async () => {
    const secrets = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('base64'));
    const [a, again, b] = await Promise.all(
      [secrets[0], secrets[0], secrets[1]].map((jwtSecret) =>
        SigningKeys.load({ jwtSecret, jwtKeysDir: keysDir }),
      ),
    );
    expect(a?.current.algorithm).toBe('HS256');
    expect(a?.current.kid).toMatch(/^[\w-]{11}$/);
    expect(again?.current.kid).toBe(a?.current.kid);
    expect(b?.current.kid).not.toBe(a?.current.kid);
    await expect(readdir(keysDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
