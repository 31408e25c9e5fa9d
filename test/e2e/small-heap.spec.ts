import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createTestDatabase } from '../support/postgres/test-database.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { runTypeScript } from '../support/typescript/run-typescript.js';

/** The smallest heap that the README names, in MB. */
const HEAP = 128;
/** More of both than that heap may hold. */
const TOKENS = 15_000;
const NETWORKS = 25_000;

describe(`a process with a heap of ${HEAP} MB`, () => {
  it('small heap survives tokens of unknown sessions and requests from many networks', async () => {
    const database = await createTestDatabase();
    const directory = await makeTestDirectory();
    const env = {
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      DATA_DIR: directory,
      JWT_SECRET: 'only for this test',
    };
    const script = new URL('../support/app/flooded-instance.ts', import.meta.url);
    const register = new URL('../support/typescript/register.mjs', import.meta.url).pathname;
    const flooded = runTypeScript(
      script,
      [JSON.stringify(env), database.url, String(TOKENS), String(NETWORKS)],
      {
        execArgv: [
          `--max-old-space-size=${HEAP}`,
          '--expose-gc',
          '--conditions=usher-source',
          '--import',
          register,
        ],
      },
    );
    const said = once(flooded, 'message');
    const ended = once(flooded, 'exit').then(([code, signal]) => [
      { code: code as number, signal: signal as string },
    ]);
    const [report] = (await Promise.race([said, ended])) as [Record<string, unknown>];
    expect(report).toMatchObject({ live: 200 });
    expect(Number(report.used)).toBeLessThan(HEAP * 0.85 * 1024 ** 2);
    expect(await ended).toEqual([{ code: 0, signal: null }]);
    await database.drop();
  });
});
