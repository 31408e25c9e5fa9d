import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { secretNames, type VariableName } from './environment.js';
import { fileVariable } from './variable.js';

/** No key, URL or list of tokens is larger. */
const MAX_BYTES = 64 * 1024;

export interface SecretFiles {
  /** The environment with each file's content under the name of its setting. */
  readonly env: NodeJS.ProcessEnv;
  /** What is wrong, by setting. No message repeats the file's name: it may be the secret itself, set by mistake. */
  readonly problems: ReadonlyMap<VariableName, string>;
}

/** Reads the files that `…_FILE` variables name. Relative names are resolved against `cwd`. */
export function readSecretFiles(env: NodeJS.ProcessEnv, cwd: string): SecretFiles {
  const found: NodeJS.ProcessEnv = {};
  const problems = new Map<VariableName, string>();
  for (const name of secretNames) {
    const file = env[fileVariable(name)];
    if (file === undefined || file === '') continue;
    if (env[name] !== undefined && env[name] !== '') {
      problems.set(name, `${name} and ${fileVariable(name)}: expected one of them, not both`);
      continue;
    }
    try {
      found[name] = contentOf(resolve(cwd, file));
    } catch (error) {
      problems.set(
        name,
        `${fileVariable(name)}: the file ${whyUnreadable(error)}; expected one that holds ${name}`,
      );
    }
  }
  return { env: { ...env, ...found }, problems };
}

class UnusableFile extends Error {}

/** @throws UnusableFile, and errors of the file system */
function contentOf(file: string): string {
  // Non-blocking, because opening a named pipe would otherwise wait for a writer.
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) throw new UnusableFile('is not a regular file');
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (let read = 1; read > 0 && length < buffer.length; length += read) {
      read = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
    if (length > MAX_BYTES) throw new UnusableFile(`is larger than ${MAX_BYTES / 1024} kB`);
    return textOf(buffer.subarray(0, length));
  } finally {
    closeSync(descriptor);
  }
}

function textOf(bytes: Buffer): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnusableFile('is not UTF-8 text');
  }
  // Editors and `echo` end a file with a line feed that is no part of the secret.
  const secret = text.replace(/[\r\n]+$/, '');
  // An empty variable counts as absent; an empty file is a secret that was never written.
  if (secret === '') throw new UnusableFile('is empty');
  return secret;
}

function whyUnreadable(error: unknown): string {
  if (error instanceof UnusableFile) return error.message;
  return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`;
}
