import { describe, expect, it } from '@jest/globals';
import { aSnapshot } from '../../test/a-snapshot.js';
import { EntryCodec } from './entry-codec.js';

interface Named {
  name: string;
}

const codec = new EntryCodec<Named>((raw) => {
  const { name } = raw as Partial<Named>;
  return typeof name === 'string' ? { name } : undefined;
});
const stamp = { epoch: 'one', snapshot: aSnapshot('10:20:10,15') };

describe('EntryCodec', () => {
  it.each([{ name: 'Ada “Lovelace”\u0000\n' }, null])('brings back what it wrote: %p', (value) => {
    expect(codec.decode('key', codec.encode('key', { value, stamp }))).toEqual({ value, stamp });
  });

  it('does not bring back what was written for another key', () => {
    expect(codec.decode('other', codec.encode('key', { value: { name: 'Ada' }, stamp }))).toBeUndefined();
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'garbage'],
    ['half of an entry', '[2,"key","one","10:20:",{"name":'],
    ['JSON of another kind', '{"value":1}'],
    ['null', 'null'],
    ['an empty list', '[]'],
    ['another format', '[3,"key","one","10:20:",{"name":"Ada"}]'],
    ['too few parts', '[2,"key","one","10:20:"]'],
    ['too many parts', '[2,"key","one","10:20:",{"name":"Ada"},1]'],
    ['an epoch that is no text', '[2,"key",1,"10:20:",{"name":"Ada"}]'],
    ['a snapshot that is none', '[2,"key","one","20:10:",{"name":"Ada"}]'],
    ['a snapshot that is no text', '[2,"key","one",10,{"name":"Ada"}]'],
    ['a value of another shape', '[2,"key","one","10:20:",{"title":"Ada"}]'],
    ['a value of another kind', '[2,"key","one","10:20:",false]'],
  ])('takes %s for a miss', (_what, text) => {
    expect(codec.decode('key', text)).toBeUndefined();
  });
});
