import { type Format, FormatError } from './format.js';

/** Where something begins to which paths are added: without `/` at its end, nobody's password, no query. */
export const webAddress: Format<string> = {
  expects: 'a URL such as https://app.example.com/account, without query and fragment',
  parse(text) {
    const { protocol, username, password, href } = URL.canParse(text) ? new URL(text) : new URL('none:');
    if (!['http:', 'https:'].includes(protocol)) throw new FormatError();
    // An empty query or fragment leaves no trace but the character itself.
    if (username !== '' || password !== '' || /[?#]/.test(href)) throw new FormatError();
    return href.replace(/\/+$/, '');
  },
};
