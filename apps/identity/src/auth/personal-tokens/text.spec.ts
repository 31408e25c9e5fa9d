import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isPersonalToken, makePersonalToken, readPersonalToken } from './text.js';

describe('the text of a personal access token', () => {
  it('personal token text says its id, and a hash of what comes after it', () => {
    const { id, hash, text } = makePersonalToken();
    expect(text).toMatch(/^usher_pat_[\w-]{64}$/);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(readPersonalToken(text)).toEqual({ id, hash });
    const bytes = Buffer.from(text.slice('usher_pat_'.length), 'base64url');
    expect(bytes.toString('hex', 0, 16)).toBe(id.replaceAll('-', ''));
    expect(createHash('sha256').update(bytes.subarray(16)).digest('hex')).toBe(hash);
  });

  it('personal token text is another one each time', () => {
    const made = Array.from({ length: 1_000 }, makePersonalToken);
    for (const part of ['id', 'hash', 'text'] as const) {
      expect(new Set(made.map((token) => token[part])).size).toBe(1_000);
    }
  });

  it('personal token text has one way to be written', () => {
    const { text } = makePersonalToken();
    for (const other of [
      ` ${text}`,
      `${text}\n`,
      `${text}=`,
      `${text}A`,
      text.slice(0, -1),
      text.toUpperCase(),
      text.replace('usher_pat_', ''),
      text.replace('usher_pat_', 'usher_rt_'),
      text.replace(/.$/, '+'),
      text.replace(/.$/, 'é'),
      '',
      'usher_pat_',
    ]) {
      expect(readPersonalToken(other)).toBeUndefined();
    }
    // Each letter counts: there are no spare bits.
    for (let at = 'usher_pat_'.length; at < text.length; at++) {
      const changed = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
      expect(readPersonalToken(changed)).not.toEqual(readPersonalToken(text));
    }
  });

  it('personal token text can be told from other tokens by its beginning', () => {
    expect(isPersonalToken(makePersonalToken().text)).toBe(true);
    expect(isPersonalToken('usher_pat_whatever')).toBe(true);
    for (const other of ['', 'eyJhbGciOi', 'usher_rt_AZ', 'USHER_PAT_x'])
      expect(isPersonalToken(other)).toBe(false);
  });
});
