import { describe, expect, it } from '@jest/globals';
import { ComparedTokens } from './compared-tokens.js';

const MATCH = { id: 'a', mark: 'm', matches: true };
const OTHER = { id: 'a', mark: null, matches: false };

describe('ComparedTokens', () => {
  it('ComparedTokens remembers the last word about a text', () => {
    const compared = new ComparedTokens();
    expect(compared.recall('text')).toBeUndefined();
    for (const word of [OTHER, MATCH, OTHER]) {
      compared.remember('text', word);
      expect(compared.recall('text')).toBe(word);
      expect(compared.size).toBe(1);
    }
  });

  it('ComparedTokens lets what strangers make up push out nothing that is in use, and grows no further', () => {
    const compared = new ComparedTokens();
    compared.remember('in use', MATCH);
    for (let n = 0; n < 6_000; n++) compared.remember(`made up ${n}`, OTHER);
    expect(compared.recall('in use')).toBe(MATCH);
    expect(compared.recall('made up 0')).toBeUndefined();
    expect(compared.size).toBe(5_001);
  });

  it('ComparedTokens keeps no text', () => {
    const compared = new ComparedTokens();
    compared.remember('usher_pat_secret', MATCH);
    const { matches } = compared as unknown as { matches: { dump(): unknown } };
    expect(JSON.stringify(matches.dump())).not.toContain('secret');
  });
});
