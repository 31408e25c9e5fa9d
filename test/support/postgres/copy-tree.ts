import { chown, copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Copies a directory with owners and rights to a place where nothing is, and what vanishes meanwhile not at all. All
 * files at once: where the process is busy with other things, a thousand one after the other take their time.
 *
 * @param isWanted told each path below `from`
 */
export async function copyTree(
  from: string,
  to: string,
  isWanted: (path: string) => boolean = () => true,
): Promise<void> {
  await copy(from, to, '', isWanted);
}

async function copy(
  from: string,
  to: string,
  path: string,
  isWanted: (path: string) => boolean,
): Promise<void> {
  const [source, target] = [join(from, path), join(to, path)];
  try {
    const found = await stat(source);
    if (found.isDirectory()) {
      await mkdir(target, { mode: found.mode });
      const inside = (await readdir(source)).map((name) => (path === '' ? name : `${path}/${name}`));
      await Promise.all(inside.filter(isWanted).map((name) => copy(from, to, name, isWanted)));
    } else {
      await copyFile(source, target);
    }
    await chown(target, found.uid, found.gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
