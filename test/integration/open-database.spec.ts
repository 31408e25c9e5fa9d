import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { runTypeScript } from '../support/typescript/run-typescript.js';

describe('openDatabase()', () => {
  it('openDatabase() ends with the reason of the signal, however early that comes', async () => {
    const child = runTypeScript(new URL('../support/process/stop-while-opening.ts', import.meta.url));
    const exited = once(child, 'exit');
    const [outcome] = (await Promise.race([once(child, 'message'), exited])) as unknown[];
    expect(outcome).toBe('stopped');
    expect(await exited).toEqual([0, null]);
  });
});
