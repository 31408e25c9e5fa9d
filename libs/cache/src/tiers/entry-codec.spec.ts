import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { aSeal } from '../../test/a-seal.js';
import { aSnapshot } from '../../test/a-snapshot.js';
import { EntryCodec } from './entry-codec.js';
import { type Seal } from './seal.js';

interface Named {
  name: string;
}

const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
const seal = aSeal(oldKey);
const codecOf = (by: Seal, kind = 'person'): EntryCodec<Named> =>
  new EntryCodec(
    kind,
    (raw) => {
      const { name } = raw as Partial<Named>;
      return typeof name === 'string' ? { name } : undefined;
    },
    by,
  );
const codec = codecOf(seal);
const stamp = { epoch: 'one', snapshot: aSnapshot('10:20:10,15') };
const ada = { value: { name: 'Ada' }, stamp };

describe('EntryCodec', () => {
  it.each([{ name: 'Ada “Lovelace”\u0000\n' }, null])('EntryCodec decodes what it encoded: %p', (value) => {
    expect(codec.decode('key', codec.encode('key', { value, stamp }))).toEqual({ value, stamp });
  });

  it('EntryCodec refuses an entry of another key, another kind, or another sealing key', () => {
    const text = codec.encode('key', ada);
    expect(codec.decode('other', text)).toBeUndefined();
    expect(codecOf(seal, 'dog').decode('key', text)).toBeUndefined();
    expect(codecOf(aSeal()).decode('key', text)).toBeUndefined();
  });

  it('EntryCodec reads entries sealed with the previous key, and seals with the newest', () => {
    const rotated = codecOf(aSeal(newKey, oldKey));
    expect(rotated.decode('key', codec.encode('key', ada))).toEqual(ada);
    expect(codec.decode('key', rotated.encode('key', ada))).toBeUndefined();
    expect(codecOf(aSeal(newKey)).decode('key', rotated.encode('key', ada))).toEqual(ada);
  });

  it('EntryCodec refuses an entry with any character changed, missing or added', () => {
    const text = codec.encode('key', ada);
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === 'A' ? 'B' : 'A';
      expect(codec.decode('key', text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined();
      expect(codec.decode('key', text.slice(0, at))).toBeUndefined();
      expect(codec.decode('key', text.slice(0, at) + text.slice(at + 1))).toBeUndefined();
    }
    for (const longer of [`${text} `, ` ${text}`, text + text]) {
      expect(codec.decode('key', longer)).toBeUndefined();
    }
  });

  it.each([
    ['nothing', ''],
    ['no seal', '["one","10:20:",{"name":"Ada"}]'],
    ['what an older release wrote', '[1,"key","one","10:20:",{"name":"Ada"}]'],
    ['a seal of nothing but zeros', `${'A'.repeat(43)}["one","10:20:",{"name":"Ada"}]`],
    ['a seal that is no base64url', `${'💡'.repeat(22)}["one","10:20:",{"name":"Ada"}]`],
  ])('EntryCodec refuses %s', (_what, text) => {
    expect(codec.decode('key', text)).toBeUndefined();
  });

  // Sealed by us, by a release whose format differs under the same number.
  it.each([
    ['no JSON', 'garbage'],
    ['half of an entry', '["one","10:20:",{"name":'],
    ['JSON of another kind', '{"value":1}'],
    ['null', 'null'],
    ['an empty list', '[]'],
    ['too few parts', '["one","10:20:"]'],
    ['too many parts', '["one","10:20:",{"name":"Ada"},1]'],
    ['an epoch that is no text', '[1,"10:20:",{"name":"Ada"}]'],
    ['a snapshot that is none', '["one","20:10:",{"name":"Ada"}]'],
    ['a snapshot that is no text', '["one",10,{"name":"Ada"}]'],
    ['a value of another shape', '["one","10:20:",{"title":"Ada"}]'],
    ['a value of another kind', '["one","10:20:",false]'],
  ])('EntryCodec refuses %s, sealed or not', (_what, text) => {
    expect(codec.decode('key', text)).toBeUndefined();
    expect(codec.decode('key', seal.close(['entry', 2, 'person', 'key'], text))).toBeUndefined();
  });

  it('EntryCodec decodes an entry with the documented layout', () => {
    const text = seal.close(['entry', 2, 'person', 'key'], '["one","10:20:10,15",{"name":"Ada"}]');
    expect(codec.decode('key', text)).toEqual(ada);
  });
});
