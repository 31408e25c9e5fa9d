import { type Format, FormatError } from './format.js';

/** Scheme, host and perhaps a port: no path, and nobody's password. */
export const webOrigin: Format<string> = {
  expects: 'a URL such as https://storage.example.com:9000, without a path',
  parse(text) {
    const { protocol, origin, href } = URL.canParse(text) ? new URL(text) : new URL('none:');
    if (!['http:', 'https:'].includes(protocol) || href !== `${origin}/`) throw new FormatError();
    return origin;
  },
};
