import { describe, expect, it } from '@jest/globals';
import { BatchLoader, type BatchLoaderOptions, TooManyLoads } from './batch-loader.js';

const ROOMY: BatchLoaderOptions = { maxConcurrent: 1, maxBatch: 250, maxWaiting: 50_000, maxWaitMs: 60_000 };

describe('BatchLoader', () => {
  it('sends a lone key at once, and what gathers meanwhile in one statement', async () => {
    const { loader, statements } = aLoader();
    const first = loader.load('a');
    const rest = ['b', 'c', 'b'].map((key) => loader.load(key));
    expect(statements.map(({ keys }) => keys)).toEqual([['a']]);

    statements[0]!.answer();
    expect(await first).toBe('a!');
    await settled();
    expect(statements.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c']]);
    statements[1]!.answer();
    expect(await Promise.all(rest)).toEqual(['b!', 'c!', 'b!']);
  });

  it('asks again for a key that is already on its way: the answer may be older than the question', () => {
    const { loader, statements } = aLoader({ maxConcurrent: 2 });
    void loader.load('a');
    void loader.load('a');
    expect(statements.map(({ keys }) => keys)).toEqual([['a'], ['a']]);
  });

  it('needs few statements for a crowd, none of them larger than it may be', async () => {
    const { loader, statements } = aLoader({ maxConcurrent: 4 });
    const crowd = Array.from({ length: 1_000 }, (_, i) => loader.load(String(i)));
    for (let sent = 0; sent < statements.length; sent++) {
      statements[sent]!.answer();
      await settled();
    }
    await Promise.all(crowd);
    expect(statements.length).toBeLessThanOrEqual(8);
    expect(Math.max(...statements.map(({ keys }) => keys.length))).toBeLessThanOrEqual(250);
  });

  it('never has more statements under way than it may', async () => {
    const { loader, statements } = aLoader({ maxConcurrent: 2, maxBatch: 1 });
    for (let i = 0; i < 10; i++) void loader.load(String(i));
    expect(statements).toHaveLength(2);
    statements[0]!.answer();
    await settled();
    expect(statements).toHaveLength(3);
  });

  it('gives the error of a statement to those who asked in it, and goes on', async () => {
    const { loader, statements } = aLoader();
    const failed = loader.load('a');
    const next = loader.load('b');
    statements[0]!.fail(new Error('no luck'));
    await expect(failed).rejects.toThrow('no luck');
    await settled();
    statements[1]!.answer();
    expect(await next).toBe('b!');
  });

  it('refuses a key when too many wait', async () => {
    const { loader } = aLoader({ maxWaiting: 1 });
    void loader.load('under way');
    void loader.load('waits');
    await expect(loader.load('one too many')).rejects.toBeInstanceOf(TooManyLoads);
  });

  it('refuses a key that waited too long, instead of asking for what nobody needs any more', async () => {
    const { loader, statements } = aLoader({ maxWaitMs: 5 });
    const first = loader.load('a');
    const late = loader.load('b');
    const tooLate = performance.now() + 6;
    while (performance.now() < tooLate);
    statements[0]!.answer();
    await first;
    await expect(late).rejects.toMatchObject({ code: 'database.unavailable', retryAfterSeconds: 1 });
    expect(statements).toHaveLength(1);
  });
});

interface Statement {
  keys: readonly string[];
  answer: () => void;
  fail: (error: Error) => void;
}

/** A loader whose database answers when the test says so, with the key and an exclamation mark. */
function aLoader(options: Partial<BatchLoaderOptions> = {}): {
  loader: BatchLoader<string>;
  statements: Statement[];
} {
  const statements: Statement[] = [];
  const query = (keys: readonly string[]): Promise<(key: string) => string> =>
    new Promise((resolve, fail) => {
      statements.push({ keys, answer: () => resolve((key) => `${key}!`), fail });
    });
  return { loader: new BatchLoader(query, { ...ROOMY, ...options }), statements };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
