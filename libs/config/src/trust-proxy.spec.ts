import { describe, expect, it } from '@jest/globals';
import { trustProxy } from './trust-proxy.js';

describe('trustProxy', () => {
  it.each([
    ['off', false],
    ['on', true],
    ['1', 1],
    ['32', 32],
    ['10.0.0.0/8', ['10.0.0.0/8']],
    ['10.0.0.1, fd00::/8,::1', ['10.0.0.1', 'fd00::/8', '::1']],
  ])('reads %s', (text, value) => {
    expect(trustProxy.parse(text)).toEqual(value);
  });

  it.each(['0', '33', '-1', 'true', 'yes', '10.0.0.1,', ',', 'proxy.internal', '0.0.0.0/0'])(
    'refuses %s',
    (text) => {
      expect(() => trustProxy.parse(text)).toThrow();
    },
  );

  it('says which item of a list is wrong', () => {
    expect(() => trustProxy.parse('10.0.0.1,10.0.0.300')).toThrow('item 2 is no address or range');
  });
});
