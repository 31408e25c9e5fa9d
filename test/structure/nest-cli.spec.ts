import { expect, it } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

it('nest-cli.json names every app and lib', async () => {
  const { projects } = JSON.parse(await readFile(path.join(ROOT, 'nest-cli.json'), 'utf8')) as {
    projects: Record<string, { root: string }>;
  };
  const folders = await Promise.all(
    ['apps', 'libs'].map(async (group) =>
      (await readdir(path.join(ROOT, group))).map((name) => `${group}/${name}`),
    ),
  );
  expect(
    Object.values(projects)
      .map(({ root }) => root)
      .sort(),
  ).toEqual(folders.flat().sort());
});
