import { type Format, FormatError } from './format.js';

/** A path. An address is refused: somebody who writes one means a kind of store that there is not. */
export const directory: Format<string> = {
  expects: 'a directory',
  parse(text) {
    if (text.trim() === '') throw new FormatError('it is blank');
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) throw new FormatError('it is a URL');
    return text;
  },
};
