import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { type MetricRow, MetricGroup, oneOf } from './metric-group.js';

const name = 'usher_test';
const help = 'Nothing.';

/** The samples of a scrape, after the group was set from each source in turn. */
async function samples<Source>(row: MetricRow<Source>, ...sources: Source[]): Promise<string[]> {
  const registry = new Registry();
  const group = new MetricGroup(registry, [row]);
  for (const source of sources) group.set(source);
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('MetricGroup', () => {
  it('MetricGroup sets a counter to its total instead of adding to it', async () => {
    const total: MetricRow<number> = { type: 'counter', name, help, read: (sum) => sum };
    expect(await samples(total, 3, 5)).toEqual(['usher_test 5']);
    expect(await samples(total, 0)).toEqual(['usher_test 0']);
  });

  it('MetricGroup omits an undefined value until it is defined again', async () => {
    const gauge: MetricRow<number | undefined> = { type: 'gauge', name, help, read: (value) => value };
    expect(await samples(gauge, 1, undefined)).toEqual([]);
    expect(await samples(gauge, 1, undefined, 2)).toEqual(['usher_test 2']);
    expect(await samples(gauge, Infinity)).toEqual(['usher_test +Inf']);
  });

  it('MetricGroup has a series for each value of a label, and drops values that are gone', async () => {
    type Source = Record<string, number | undefined>;
    const gauge: MetricRow<Source> = { type: 'gauge', name, help, label: 'kind', read: (source) => source };
    expect(await samples(gauge, { a: 1, b: 2 }, { b: 3, c: undefined })).toEqual(['usher_test{kind="b"} 3']);
  });
});

describe('oneOf', () => {
  it('oneOf is 1 for the current value only', () => {
    expect(oneOf(['closed', 'open'], 'open')).toEqual({ closed: 0, open: 1 });
  });
});
