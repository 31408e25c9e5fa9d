import { describe, expect, it } from '@jest/globals';
import { aSnapshot } from '../../test/a-snapshot.js';
import { Snapshot } from './snapshot.js';

describe('Snapshot', () => {
  it.each(['1:1:', '10:20:', '10:20:10', '10:20:10,15,19', '9007199254740990:9007199254740991:'])(
    'Snapshot.parse reads what PostgreSQL writes, and toString returns it: %s',
    (text) => {
      expect(String(Snapshot.parse(text))).toBe(text);
    },
  );

  it.each([
    ['nothing', ''],
    ['two parts', '10:20'],
    ['four parts', '10:20::'],
    ['a sign', '-1:20:'],
    ['spaces', '10:20: 15'],
    ['a trailing comma', '10:20:15,'],
    ['a trailing line', '10:20:\n'],
    ['hexadecimals', '0x10:20:'],
    ['a fraction', '1.5:20:'],
    ['an exponent', '1e3:2000:'],
    ['xmin above xmax', '21:20:'],
    ['a running transaction below xmin', '10:20:9'],
    ['a running transaction at xmax', '10:20:20'],
    ['more than can be counted exactly', '1:9007199254740992:'],
    ['more digits than fit', '1:99999999999999999999:'],
  ])('Snapshot.parse refuses %s', (_what, text) => {
    expect(Snapshot.parse(text)).toBeUndefined();
  });

  it('Snapshot sees transactions that had ended, and neither running nor later ones', () => {
    const snapshot = aSnapshot('10:20:10,15');
    const seen = [8, 9, 10, 11, 14, 15, 16, 19, 20, 21].filter((xid) => snapshot.sees(xid));
    expect(seen).toEqual([8, 9, 11, 14, 16, 19]);
  });

  it.each([
    ['itself', '10:20:10,15', '10:20:10,15', true],
    ['one after which a transaction ended', '15:20:15', '10:20:10,15', true],
    ['one before which a transaction ended', '10:20:10,15', '15:20:15', false],
    ['one with a lower xmax', '10:25:10,22', '10:20:10', true],
    ['one with a higher xmax', '10:20:10', '10:25:10,22', false],
    ['one that had not begun what is running now', '10:25:10,24', '10:20:10', true],
  ])('Snapshot knows whether it was taken no earlier than %s', (_which, one, other, includes) => {
    expect(aSnapshot(one).includes(aSnapshot(other))).toBe(includes);
  });
});
