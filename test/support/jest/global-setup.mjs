/**
 * Starts one PostgreSQL for the whole run, unless USHER_TEST_POSTGRES_URL names one already. It is held by a process
 * of its own, which stops it and removes its files as soon as we leave, however we leave: jest runs no teardown when
 * it is interrupted or killed.
 *
 * This is JavaScript because jest does not apply its module mapping to global setups.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

let holder;

export default async function globalSetup() {
  if (process.env.USHER_TEST_POSTGRES_URL) return;
  holder = fork(path('./hold-server.ts'), [], {
    execArgv: ['--import', path('../typescript/register.mjs')],
    detached: true, // Ctrl-C is for jest; the holder notices when jest is gone
  });
  const ended = once(holder, 'exit').then(() => {
    throw new Error('PostgreSQL for the tests could not be started; the reason is printed above.');
  });
  const [{ url, directory }] = await Promise.race([once(holder, 'message'), ended]);
  ended.catch(() => undefined);
  process.env.USHER_TEST_POSTGRES_URL = url;
  process.env.USHER_TEST_DIRECTORY = directory;
}

/** Resolves when the server has stopped and its files are gone. */
export async function leave() {
  if (!holder || holder.exitCode !== null) return;
  const exit = once(holder, 'exit');
  holder.disconnect();
  await exit;
  delete process.env.USHER_TEST_POSTGRES_URL; // in watch mode, the next run starts its own
  delete process.env.USHER_TEST_DIRECTORY;
}
