import { type Format, FormatError } from './format.js';

// No control, format or unassigned characters, and no line or paragraph separators.
const PRINTABLE = /^[^\p{C}\p{Zl}\p{Zp}]+$/u;

/** A short name that is compared byte by byte elsewhere, so that an accidental space at its ends matters. */
export function printable(maxCharacters: number): Format<string> {
  return {
    expects: `1 to ${maxCharacters} printable characters, no space at either end`,
    parse(text) {
      if (!PRINTABLE.test(text) || text.trim() !== text || [...text].length > maxCharacters)
        throw new FormatError();
      return text;
    },
  };
}

/** Anything but white space alone. */
export function anyText(expects: string): Format<string> {
  return {
    expects,
    parse(text) {
      if (text.trim() === '') throw new FormatError('it is blank');
      return text;
    },
  };
}

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
