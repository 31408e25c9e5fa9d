import { describe, expect, it } from '@jest/globals';
import { secretList } from './secret-list.js';

const format = secretList('one of them long');

describe('a list of secrets', () => {
  it.each([
    ['one', ['one']],
    ['a+b/c==,d-e_f', ['a+b/c==', 'd-e_f']],
    [' new ,\n old\n', ['new', 'old']],
    ['with a space', ['with a space']],
  ])('reads %j in the order given', (text, secrets) => {
    expect(format.parse(text)).toEqual(secrets);
  });

  it.each([
    [' ', 'it is blank'],
    ['a,', 'item 2 is blank'],
    [',a', 'item 1 is blank'],
    ['a,,b', 'item 2 is blank'],
    ['a,b, a', 'item 3 is the same as another'],
  ])('refuses %j, by position', (text, hint) => {
    expect(() => format.parse(text)).toThrow(hint);
  });
});
