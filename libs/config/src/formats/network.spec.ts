import { describe, expect, it } from '@jest/globals';
import { isAddressOrRange, listenAddress, trustProxy } from './network.js';

describe('listenAddress', () => {
  it.each(['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost', 'usher.internal', 'fe80::1%eth0'])(
    'listenAddress accepts %s',
    (text) => {
      expect(listenAddress.parse(text)).toBe(text);
    },
  );

  it.each([
    '127.0.0.1:3000',
    '[::1]',
    'http://localhost',
    '1.2.3',
    '256.1.1.1',
    'a b',
    '-a',
    'a..b',
    '*',
    'a'.repeat(64),
  ])('listenAddress refuses %s', (text) => {
    expect(() => listenAddress.parse(text)).toThrow();
  });
});

describe('isAddressOrRange', () => {
  it.each(['10.0.0.1', '10.0.0.0/8', '0.0.0.0/1', '10.0.0.1/32', '::1', 'fd00::/8', '::1/128'])(
    'isAddressOrRange accepts %s',
    (text) => {
      expect(isAddressOrRange(text)).toBe(true);
    },
  );

  it.each([
    '',
    '10.0.0',
    '10.0.0.0/0',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/08',
    'fe80::1%eth0',
    'loopback',
  ])('isAddressOrRange refuses %j', (text) => {
    expect(isAddressOrRange(text)).toBe(false);
  });
});

describe('trustProxy', () => {
  it.each([
    ['off', false],
    ['on', true],
    ['1', 1],
    ['32', 32],
    ['10.0.0.0/8', ['10.0.0.0/8']],
    ['10.0.0.1, fd00::/8,::1', ['10.0.0.1', 'fd00::/8', '::1']],
  ])('trustProxy reads %s', (text, value) => {
    expect(trustProxy.parse(text)).toEqual(value);
  });

  it.each(['0', '33', '-1', 'true', 'yes', '10.0.0.1,', ',', 'proxy.internal', '0.0.0.0/0'])(
    'trustProxy refuses %s',
    (text) => {
      expect(() => trustProxy.parse(text)).toThrow();
    },
  );

  it('trustProxy names the position of a malformed item', () => {
    expect(() => trustProxy.parse('10.0.0.1,10.0.0.300')).toThrow('item 2 is no address or range');
  });
});
