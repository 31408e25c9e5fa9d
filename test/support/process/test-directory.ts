import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A fresh directory; below the one of this test run, if there is one, which is removed at its end. All users may
 * enter it: run by root, PostgreSQL has its own account, and would otherwise put its files under /var/lib.
 */
export async function makeTestDirectory(): Promise<string> {
  const directory = await mkdtemp(join(process.env.USHER_TEST_DIRECTORY ?? tmpdir(), 'usher-test-'));
  await chmod(directory, 0o755);
  return directory;
}
