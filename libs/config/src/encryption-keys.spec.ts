import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { encryptionKeys } from './encryption-keys.js';

const [one, other] = [randomBytes(32), randomBytes(32)];

describe('a list of encryption keys', () => {
  it('is read in the order given, in base64 and hexadecimal', () => {
    const text = ` ${one.toString('base64')} ,\n${other.toString('hex').toUpperCase()}`;
    expect(encryptionKeys.parse(text).map((key) => key.export())).toEqual([one, other]);
  });

  it('prints none of them', () => {
    const printed = inspect(encryptionKeys.parse(one.toString('base64')), { depth: 9, showHidden: true });
    expect(printed).not.toContain(one.toString('base64'));
    expect(printed).not.toContain(one.toString('hex'));
  });

  it.each([
    [' ', 'it is blank'],
    [`${one.toString('base64')},`, 'item 2 is no such key'],
    [randomBytes(31).toString('base64'), 'item 1 is no such key'],
    [randomBytes(33).toString('hex'), 'item 1 is no such key'],
    ['correct horse battery staple of thirty-two!!', 'item 1 is no such key'],
    [`${one.toString('base64')},${one.toString('hex')}`, 'item 2 is the same as another'],
  ])('refuses %j, by position', (text, hint) => {
    expect(() => encryptionKeys.parse(text)).toThrow(hint);
  });
});
