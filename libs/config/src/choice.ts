import { type Format, FormatError } from './format.js';

/** One of a few words, written exactly so. */
export function choice<const T extends string>(...words: readonly T[]): Format<T> {
  return {
    expects: `one of ${words.join(', ')}`,
    parse(text) {
      const word = words.find((candidate) => candidate === text);
      if (word === undefined) throw new FormatError();
      return word;
    },
  };
}

/** `on` or `off`, as a boolean. */
export const onOrOff: Format<boolean> = {
  expects: 'on or off',
  parse(text) {
    if (text !== 'on' && text !== 'off') throw new FormatError();
    return text === 'on';
  },
};
