import { describe, expect, it } from '@jest/globals';
import { DatabaseBusy } from './database-error.js';
import { StatementBatcher, type StatementBatcherOptions } from './statement-batcher.js';

const ROOMY: StatementBatcherOptions = {
  maxConcurrent: 1,
  maxBatch: 250,
  maxWaiting: 50_000,
  maxWaitMs: 60_000,
};

describe('StatementBatcher', () => {
  it('StatementBatcher sends a lone item at once, and the items that gather meanwhile in one statement', async () => {
    const { batcher, statements } = aBatcher();
    const first = batcher.add('a');
    const rest = ['b', 'c', 'b'].map((item) => batcher.add(item));
    expect(statements.map(({ items }) => items)).toEqual([['a']]);

    statements[0]!.answer();
    expect(await first).toBe('a!');
    await settled();
    expect(statements.map(({ items }) => items)).toEqual([['a'], ['b', 'c']]);
    statements[1]!.answer();
    expect(await Promise.all(rest)).toEqual(['b!', 'c!', 'b!']);
  });

  it('StatementBatcher runs an item again when it was sent before: that answer may be older than the question', () => {
    const { batcher, statements } = aBatcher({ maxConcurrent: 2 });
    void batcher.add('a');
    void batcher.add('a');
    expect(statements.map(({ items }) => items)).toEqual([['a'], ['a']]);
  });

  it('StatementBatcher needs few statements for a thousand items, none larger than maxBatch', async () => {
    const { batcher, statements } = aBatcher({ maxConcurrent: 4 });
    const crowd = Array.from({ length: 1_000 }, (_, i) => batcher.add(String(i)));
    for (let sent = 0; sent < statements.length; sent++) {
      statements[sent]!.answer();
      await settled();
    }
    await Promise.all(crowd);
    expect(statements.length).toBeLessThanOrEqual(8);
    expect(Math.max(...statements.map(({ items }) => items.length))).toBeLessThanOrEqual(250);
  });

  it('StatementBatcher never runs more than maxConcurrent statements', async () => {
    const { batcher, statements } = aBatcher({ maxConcurrent: 2, maxBatch: 1 });
    for (let i = 0; i < 10; i++) void batcher.add(String(i));
    expect(statements).toHaveLength(2);
    statements[0]!.answer();
    await settled();
    expect(statements).toHaveLength(3);
  });

  it('StatementBatcher rejects the items of a failed statement, and goes on', async () => {
    const { batcher, statements } = aBatcher();
    const failed = batcher.add('a');
    const next = batcher.add('b');
    statements[0]!.fail(new Error('no luck'));
    await expect(failed).rejects.toThrow('no luck');
    await settled();
    statements[1]!.answer();
    expect(await next).toBe('b!');
  });

  it('StatementBatcher refuses an item when maxWaiting wait', async () => {
    const { batcher } = aBatcher({ maxWaiting: 1 });
    void batcher.add('under way');
    void batcher.add('waits');
    await expect(batcher.add('one too many')).rejects.toBeInstanceOf(DatabaseBusy);
  });

  it('StatementBatcher refuses an item that waited longer than maxWaitMs, without a statement', async () => {
    const { batcher, statements } = aBatcher({ maxWaitMs: 5 });
    const first = batcher.add('a');
    const late = batcher.add('b');
    const tooLate = performance.now() + 6;
    while (performance.now() < tooLate);
    statements[0]!.answer();
    await first;
    await expect(late).rejects.toMatchObject({ code: 'database.unavailable', retryAfterSeconds: 1 });
    expect(statements).toHaveLength(1);
  });
});

it('StatementBatcher drains what waits and what runs, objects one by one', async () => {
  const statements: object[][] = [];
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const batcher = new StatementBatcher<object>(
    async (items) => {
      statements.push([...items]);
      await opened;
      return () => undefined;
    },
    { maxConcurrent: 1, maxBatch: 2, maxWaiting: 10 },
  );
  await batcher.drain();
  const [a, b, c] = [{}, {}, {}];
  for (const item of [a, b, c, b]) void batcher.add(item);
  let drained = false;
  const drain = batcher.drain().then(() => (drained = true));
  await settled();
  expect(drained).toBe(false);
  open();
  await drain;
  expect(statements).toEqual([[a], [b, c]]);
});

interface Statement {
  items: readonly string[];
  answer: () => void;
  fail: (error: Error) => void;
}

/** A batcher whose database answers when the test says so, with the item and an exclamation mark. */
function aBatcher(options: Partial<StatementBatcherOptions> = {}): {
  batcher: StatementBatcher<string, string>;
  statements: Statement[];
} {
  const statements: Statement[] = [];
  const run = (items: readonly string[]): Promise<(item: string) => string> =>
    new Promise((resolve, fail) => {
      statements.push({ items, answer: () => resolve((item) => `${item}!`), fail });
    });
  return { batcher: new StatementBatcher(run, { ...ROOMY, ...options }), statements };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
