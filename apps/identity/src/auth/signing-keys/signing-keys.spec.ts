import { execFile } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { transformFile } from '@swc/core';
import { KeyDirectory } from './key-directory.js';
import { KeyFileUnusable } from '#crypto';
import { keyFromPem } from './signing-key.js';
import { SigningKeys } from './signing-keys.js';

let root: string;
let keysDir: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'usher-keys-'));
  keysDir = join(root, 'data', 'keys');
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(root, { recursive: true });
});

const load = (): Promise<SigningKeys> =>
  SigningKeys.load({ jwtSecrets: [], jwtKeysDir: keysDir, accessTokenTtlSeconds: 900 });

function aPem(namedCurve = 'P-256'): string {
  return generateKeyPairSync('ec', { namedCurve })
    .privateKey.export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

async function aKeyFile(name: string, content: string): Promise<void> {
  await mkdir(keysDir, { recursive: true });
  await writeFile(join(keysDir, name), content);
}

const REPOSITORY = new URL('../../../../../', import.meta.url);

/** Plain JavaScript for other processes. Each call to the file system takes a random time, so that all interleavings occur. */
async function compileTo(directory: string, sources: string[]): Promise<void> {
  for (const source of sources) {
    const { code } = await transformFile(fileURLToPath(new URL(source, REPOSITORY)), {
      jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2022' },
      module: { type: 'es6' },
    });
    const target = join(directory, source.replace(/\.ts$/, '.js'));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, code.replace('node:fs/promises', '#slow-fs'));
  }
  const imports = {
    '#crypto': './crypto.js',
    '#runtime': './libs/runtime/src/json-object.js',
    '#slow-fs': './slow-fs.js',
  };
  await writeFile(join(directory, 'package.json'), JSON.stringify({ type: 'module', imports }));
  await writeFile(
    join(directory, 'crypto.js'),
    `export * from './libs/crypto/src/key-file.js'; export * from './libs/crypto/src/shared-directory.js';`,
  );
  await writeFile(
    join(directory, 'slow-fs.js'),
    `import * as fs from 'node:fs/promises';
     const slow = (call) => async (...args) => {
       await new Promise((resolve) => setTimeout(resolve, Math.random() ** 3 * 30));
       return call(...args);
     };
     export const [link, mkdir, open, readdir, readFile, rm, stat] =
       [fs.link, fs.mkdir, fs.open, fs.readdir, fs.readFile, fs.rm, fs.stat].map(slow);`,
  );
}

describe('SigningKeys from a directory', () => {
  it('SigningKeys creates a first key that only its owner can read, and finds it again', async () => {
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

  it('SigningKeys names a key by its RFC 7638 thumbprint, not by its file', async () => {
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

  it('SigningKeys signs with the newest key and verifies with all', async () => {
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

  it('SigningKeys agrees on one key when many instances start at once in one process', async () => {
    for (let round = 0; round < 10; round++) {
      await rm(keysDir, { recursive: true, force: true });
      const instances = await Promise.all(Array.from({ length: 8 }, load));
      const kids = new Set(instances.flatMap((keys) => [...keys.all()].map(({ kid }) => kid)));
      expect(kids.size).toBe(1);
      expect(await readdir(keysDir)).toEqual([`${[...kids][0]}.pem`]);
    }
  });

  it('SigningKeys agrees on one key when 8 processes start at once, on a slow file system', async () => {
    await compileTo(root, [
      'apps/identity/src/auth/signing-keys/key-directory.ts',
      'apps/identity/src/auth/signing-keys/key-ring.ts',
      'apps/identity/src/auth/signing-keys/rotation-state.ts',
      'apps/identity/src/auth/signing-keys/rotation-times.ts',
      'apps/identity/src/auth/signing-keys/signing-key.ts',
      'libs/crypto/src/key-file.ts',
      'libs/crypto/src/shared-directory.ts',
      'libs/runtime/src/json-object.ts',
    ]);
    const directories = Array.from({ length: 10 }, (_, round) => join(root, `shared-${round}`));
    const program = `
      import { KeyDirectory } from './apps/identity/src/auth/signing-keys/key-directory.js';
      for (const path of ${JSON.stringify(directories)}) {
        const { keys } = await new KeyDirectory(path).load({ nowMs: Date.now(), tokenLifeMs: 0 });
        console.log(keys.map(({ key }) => key.kid + '.pem').join());
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

  it('SigningKeys takes over the candidate of an instance that was killed before it published', async () => {
    const pem = aPem();
    await aKeyFile('.first-key', pem);
    const keys = await load();
    expect(keys.current.verifyWith.equals(createPublicKey(pem))).toBe(true);
    expect(await readdir(keysDir)).toEqual([`${keys.current.kid}.pem`]);
  });

  it('SigningKeys does not wait for a candidate that is a dangling link', async () => {
    await mkdir(keysDir, { recursive: true });
    await symlink(join(keysDir, 'nowhere'), join(keysDir, '.first-key'));
    await expect(load()).rejects.toThrow(KeyFileUnusable);
    await expect(load()).rejects.toThrow(/first-key.*link to nowhere/);
  });

  it('SigningKeys ignores a candidate beside a published key', async () => {
    const pem = aPem();
    await aKeyFile('published.pem', pem);
    await aKeyFile('.first-key', aPem());
    const keys = await load();
    expect(keys.current.verifyWith.equals(createPublicKey(pem))).toBe(true);
    expect([...keys.all()]).toHaveLength(1);
  });

  it('SigningKeys ignores drafts, hidden files and files other than .pem', async () => {
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
  ])('SigningKeys names the file of %s, not its content', async (_what, content, why) => {
    await load();
    await aKeyFile('broken.pem', content);
    const error = await load().catch((error: unknown) => error as Error);
    expect(error).toMatchObject({ code: 'auth.key_file_unusable', message: expect.stringMatching(why) });
    expect((error as Error).message).toContain(join(keysDir, 'broken.pem'));
    if (content) expect((error as Error).stack).not.toContain(content.slice(0, 40));
  });

  it('SigningKeys names a file that it cannot read', async () => {
    await mkdir(join(keysDir, 'folder.pem'), { recursive: true });
    await expect(load()).rejects.toMatchObject({
      code: 'auth.key_file_unusable',
      message: `The signing key ${join(keysDir, 'folder.pem')} cannot be used: it cannot be read (EISDIR).`,
    });
  });

  it('SigningKeys names a directory that it cannot use', async () => {
    await mkdir(join(root, 'data'));
    await writeFile(keysDir, 'a file');
    await expect(load()).rejects.toMatchObject({
      code: 'auth.key_directory_unusable',
      message: `The directory of signing keys ${keysDir} cannot be used (ENOTDIR).`,
    });
  });
});

describe('SigningKeys of a directory in use', () => {
  let keys: SigningKeys;
  let first: string;
  let logged: string[];

  beforeEach(async () => {
    logged = [];
    const log = (message: unknown): void => void logged.push(String(message));
    Logger.overrideLogger({ log, error: log, warn: log });
    keys = await load();
    first = keys.current.kid;
  });
  afterEach(() => Logger.overrideLogger(false));

  async function refreshed(): Promise<string[]> {
    await keys.refresh();
    return [...keys.all()].map(({ kid }) => kid);
  }

  it('SigningKeys accepts a key that appears, and signs with it once it has been there long enough', async () => {
    await aKeyFile('second.pem', aPem());
    const [current, second] = await refreshed();
    expect(current).toBe(first);
    expect(second).toMatch(/^[\w-]{43}$/);

    const ago = (await stat(join(keysDir, 'second.pem'))).mtimeMs / 1000 - 181;
    await utimes(join(keysDir, 'second.pem'), ago, ago);
    await utimes(join(keysDir, `${first}.pem`), ago - 1, ago - 1);
    await refreshed();
    expect(keys.current.kid).toBe(second);
    expect(keys.get(first)).toBeDefined();
    expect(logged).toEqual([`The key ${second} signs from now on.`]);
  });

  it('SigningKeys keeps the same key objects while their files stay the same', async () => {
    const before = keys.current;
    await aKeyFile('second.pem', aPem());
    await refreshed();
    expect(keys.current).toBe(before);
  });

  it('SigningKeys drops a key when its file is removed, and signs with another', async () => {
    await aKeyFile('second.pem', aPem());
    const [, second] = await refreshed();
    await rm(join(keysDir, `${first}.pem`));
    expect(await refreshed()).toEqual([second]);
  });

  it.each([
    ['a foreign file', (): Promise<void> => aKeyFile('foreign.pem', 'not a key')],
    ['an empty file', (): Promise<void> => aKeyFile('foreign.pem', '')],
    ['a folder', async (): Promise<void> => void (await mkdir(join(keysDir, 'foreign.pem')))],
    ['an overwritten key file', (): Promise<void> => aKeyFile(`${first}.pem`, 'not a key')],
    ['a malformed state', (): Promise<void> => aKeyFile('rotation-1.json', '{"current":')],
    [
      'a state with a foreign key',
      (): Promise<void> => aKeyFile('rotation-1.json', '{"current":"x","previous":[{}]}'),
    ],
    ['a missing directory', (): Promise<void> => rm(keysDir, { recursive: true })],
    [
      'an empty directory, as when a file system is not mounted',
      async (): Promise<void> => {
        await rm(keysDir, { recursive: true });
        await mkdir(keysDir);
      },
    ],
  ])('SigningKeys keeps its keys despite %s, and logs it once', async (_what, happen) => {
    await happen();
    for (let look = 0; look < 3; look++) expect(await refreshed()).toEqual([first]);
    expect(logged).toEqual([
      expect.stringMatching(/cannot be used.*The keys that were read before are kept\.$/),
    ]);
    expect(logged[0]).not.toContain('not a key');
  });

  it('SigningKeys logs that the directory can be used again', async () => {
    await aKeyFile('half.pem', 'half a k');
    await refreshed();
    await aKeyFile('half.pem', aPem());
    expect(await refreshed()).toHaveLength(2);
    expect(logged).toEqual([
      expect.stringContaining(join(keysDir, 'half.pem')),
      'The directory of signing keys can be used again.',
    ]);
  });

  it('SigningKeys reads the directory at once when a token names an unknown key', async () => {
    const look = jest.spyOn(KeyDirectory.prototype, 'poll');
    const pem = aPem();
    await aKeyFile('second.pem', pem);
    const { kid } = keyFromPem(pem);
    expect((await keys.find(kid))?.kid).toBe(kid);
    expect((await keys.find(first))?.kid).toBe(first);
    expect(look).toHaveBeenCalledTimes(1);
  });

  it('SigningKeys reads the directory once a second at most, however many unknown keys are named', async () => {
    const look = jest.spyOn(KeyDirectory.prototype, 'poll');
    const startedAt = performance.now();
    const found: unknown[] = [];
    for (let round = 0; round < 200; round++) {
      found.push(
        ...(await Promise.all([1, 2, 3, 4, 5].map((each) => keys.find(`made up ${round} ${each}`)))),
      );
    }
    expect(found.filter((each) => each !== undefined)).toEqual([]);
    expect(look.mock.calls.length).toBeLessThanOrEqual(
      1 + Math.floor((performance.now() - startedAt) / 1000),
    );
  });
});

describe('SigningKeys from secrets', () => {
  const loadSecrets = (...jwtSecrets: string[]): Promise<SigningKeys> =>
    SigningKeys.load({ jwtSecrets, jwtKeysDir: keysDir, accessTokenTtlSeconds: 900 });

  it('SigningKeys from secrets signs with the first and verifies with all', async () => {
    const [a, b, both] = await Promise.all([loadSecrets('a'), loadSecrets('b'), loadSecrets('b', 'a')]);
    expect(both.current.kid).toBe(b.current.kid);
    expect([...both.all()].map(({ kid }) => kid)).toEqual([b.current.kid, a.current.kid]);
    expect(await both.find('made up')).toBeUndefined();
  });

  it('SigningKeys from a secret has one HS256 key, whose id is stable and differs per secret', async () => {
    const secrets = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('base64'));
    const [a, again, b] = await Promise.all(
      [secrets[0], secrets[0], secrets[1]].map((secret) => loadSecrets(secret!)),
    );
    expect(a?.current.algorithm).toBe('HS256');
    expect(a?.current.kid).toMatch(/^[\w-]{11}$/);
    expect(again?.current.kid).toBe(a?.current.kid);
    expect(b?.current.kid).not.toBe(a?.current.kid);
    await expect(readdir(keysDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
