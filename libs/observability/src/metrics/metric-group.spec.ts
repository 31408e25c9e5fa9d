import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { type MetricRow, MetricGroup, oneOf } from './metric-group.js';

const name = 'usher_test';
const help = 'Nothing.';

/** What is left of a scrape when its comments are taken away, after each of the sources was shown in turn. */
async function shown<Source>(figure: MetricRow<Source>, ...sources: Source[]): Promise<string[]> {
  const registry = new Registry();
  const figures = new MetricGroup(registry, [figure]);
  for (const source of sources) figures.set(source);
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('Figures', () => {
  it('say what a sum is now, and do not add it to what it was', async () => {
    const total: MetricRow<number> = { type: 'counter', name, help, read: (sum) => sum };
    expect(await shown(total, 3, 5)).toEqual(['usher_test 5']);
    expect(await shown(total, 0)).toEqual(['usher_test 0']);
  });

  it('leave out what there is nothing to say of, and say it again when there is', async () => {
    const gauge: MetricRow<number | undefined> = { type: 'gauge', name, help, read: (value) => value };
    expect(await shown(gauge, 1, undefined)).toEqual([]);
    expect(await shown(gauge, 1, undefined, 2)).toEqual(['usher_test 2']);
    expect(await shown(gauge, Infinity)).toEqual(['usher_test +Inf']);
  });

  it('make a series of each value of a label, and forget those that are gone', async () => {
    type Source = Record<string, number | undefined>;
    const gauge: MetricRow<Source> = { type: 'gauge', name, help, label: 'kind', read: (source) => source };
    expect(await shown(gauge, { a: 1, b: 2 }, { b: 3, c: undefined })).toEqual(['usher_test{kind="b"} 3']);
  });
});

describe('oneOf', () => {
  it('is 1 for the current value alone', () => {
    expect(oneOf(['closed', 'open'], 'open')).toEqual({ closed: 0, open: 1 });
  });
});
