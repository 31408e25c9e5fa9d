import { statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { InvalidSettings } from './invalid-settings.js';

const MAX_BYTES = 256 * 1024;

/**
 * Adds the variables of `.env` in `cwd` to the environment of this process, with Node's own reader. A variable that is
 * already set stays as it is, even when it is empty. A missing file is no error.
 *
 * @throws {InvalidSettings} when the file is there and cannot be read
 */
export function loadDotEnv(cwd: string = process.cwd()): void {
  const file = join(cwd, '.env');
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    // Python keeps virtual environments in directories of this name.
    if (stats === undefined || stats.isDirectory()) return;
    // Opening a named pipe would wait for a writer for ever.
    if (!stats.isFile()) throw new InvalidSettings(['.env: expected a regular file']);
    if (stats.size > MAX_BYTES) throw new InvalidSettings([`.env: expected at most ${MAX_BYTES / 1024} kB`]);
    process.loadEnvFile(file);
  } catch (error) {
    if (error instanceof InvalidSettings) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new InvalidSettings([`.env: cannot be read (${code}); remove it, or let this user read it`]);
  }
}
