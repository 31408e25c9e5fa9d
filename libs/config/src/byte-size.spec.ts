import { describe, expect, it } from '@jest/globals';
import { byteSize } from './byte-size.js';

const size = byteSize('1mb', '64gb');

describe('byteSize', () => {
  it.each([
    ['64mb', 64 * 1024 * 1024],
    ['64 MB', 64 * 1024 * 1024],
    ['1024kb', 1024 * 1024],
    ['64gb', 64 * 1024 ** 3],
    ['1048576', 1024 * 1024],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(size.parse(text)).toBe(bytes);
  });

  it.each(['64', '1023kb', '65gb', '1.5gb', '-1mb', '64m', '64mib', 'mb', '1e9', `${'9'.repeat(20)}gb`])(
    'refuses %s',
    (text) => {
      expect(() => size.parse(text)).toThrow();
    },
  );
});
