import { existsSync, readFileSync } from 'node:fs';

/** The version in the nearest package.json above this file, which in sources and in `dist` alike is Usher's own. */
export function packageVersion(): string {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', folder))) {
    const parent = new URL('..', folder);
    if (parent.href === folder.href) throw new Error('There is no package.json above the sources.');
    folder = parent;
  }
  const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as {
    version: string;
  };
  return version;
}
