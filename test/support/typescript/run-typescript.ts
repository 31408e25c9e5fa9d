import { fork, type ForkOptions, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const register = fileURLToPath(new URL('register.mjs', import.meta.url));

/** Starts a TypeScript file of ours in a Node process of its own, with a channel for messages. */
export function runTypeScript(file: URL, args: string[] = [], options: ForkOptions = {}): ChildProcess {
  return fork(fileURLToPath(file), args, {
    execArgv: ['--import', register],
    ...options,
  });
}
