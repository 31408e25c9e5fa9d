import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { LastUses } from './last-uses.js';

describe('LastUses', () => {
  it('LastUses writes a use at once, and no other of the same token within a minute', async () => {
    const written: (readonly string[])[] = [];
    const uses = new LastUses((ids) => Promise.resolve(void written.push(ids)));
    for (let n = 0; n < 3; n++) {
      uses.note('a');
      await turn();
    }
    uses.note('b');
    await turn();
    expect(written).toEqual([['a'], ['b']]);
  });

  it('LastUses has one statement under way, while which the next gathers', async () => {
    const written: (readonly string[])[] = [];
    const ends: (() => void)[] = [];
    const uses = new LastUses((ids) => {
      written.push(ids);
      return new Promise((resolve) => ends.push(resolve));
    });
    for (const id of ['a', 'b', 'c', 'b']) uses.note(id);
    await turn();
    expect(written).toEqual([['a']]);
    ends.shift()!();
    await turn();
    expect(written).toEqual([['a'], ['b', 'c']]);
    ends.shift()!();
    await turn();
    expect(written).toHaveLength(2);
  });

  it('LastUses notes a use again when the one before could not be written', async () => {
    const written: (readonly string[])[] = [];
    let works = false;
    const uses = new LastUses((ids) => {
      if (!works) return Promise.reject(new Error('no database'));
      return Promise.resolve(void written.push(ids));
    });
    uses.note('a');
    await turn();
    works = true;
    uses.note('a');
    await turn();
    expect(written).toEqual([['a']]);
  });
});
