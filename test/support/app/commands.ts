/** The commands of the CLI, run in this process: to spawn each takes seconds. `test/e2e/cli.spec.ts` spawns them. */
import { readSettings } from '#config';
import {
  createAdmin as create,
  type CreateAdminOptions,
} from '../../../apps/identity/src/cli/create-admin.js';
import {
  importUsers as importFrom,
  type ImportUsersOptions,
  type ImportUsersResult,
} from '../../../apps/identity/src/cli/import-users.js';
import { rotateKey as rotate, type RotateKeyOptions } from '../../../apps/identity/src/cli/rotate-key.js';

export type { ImportUsersOptions };

/** `create-admin`. @returns its output */
export function createAdmin(env: NodeJS.ProcessEnv, options: CreateAdminOptions): Promise<string> {
  return create(readSettings(env), options, new AbortController().signal);
}

/** `rotate-key`. @returns its output */
export function rotateKey(env: NodeJS.ProcessEnv, options: RotateKeyOptions = {}): Promise<string> {
  return rotate(readSettings(env), options);
}

/** `import-users`. @param tell receives a line of output for each refused line */
export function importUsers(
  env: NodeJS.ProcessEnv,
  options: ImportUsersOptions,
  tell: (line: string) => void,
): Promise<ImportUsersResult> {
  return importFrom(readSettings(env), options, tell, new AbortController().signal);
}
