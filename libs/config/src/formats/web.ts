import { type Format, FormatError } from './format.js';

/** Scheme, host and perhaps a port: no path, no credentials. */
export const webOrigin: Format<string> = {
  expects: 'a URL such as https://storage.example.com:9000, without a path',
  parse(text) {
    const { protocol, origin, href } = URL.canParse(text) ? new URL(text) : new URL('none:');
    if (!['http:', 'https:'].includes(protocol) || href !== `${origin}/`) throw new FormatError();
    return origin;
  },
};

const MAX_ORIGINS = 100;
const ANY_PORT = ':*';
const LOCAL = ['http://localhost:*', 'http://127.0.0.1:*'];

/** Origins as browsers write them in `Origin`, or with `*` for any port. */
export const webOrigins: Format<readonly string[]> = {
  expects:
    `none, or a comma-separated list of 1 to ${MAX_ORIGINS} origins such as https://app.example.com, ` +
    `with * as the port for any; local: ${LOCAL.join(' and ')}`,
  parse(text) {
    if (text === 'none') return [];
    const items = text.split(',').map((item) => item.trim());
    if (items.length > MAX_ORIGINS) throw new FormatError('there are too many');
    return [...new Set(items.flatMap(originsOf))];
  },
};

function originsOf(item: string, index: number): string[] {
  if (item === 'local') return LOCAL;
  const anyPort = item.endsWith(ANY_PORT);
  try {
    const origin = webOrigin.parse(anyPort ? item.slice(0, -ANY_PORT.length) : item);
    const { hostname, port } = new URL(origin);
    // No browser sends such an origin, so the setting would have no effect.
    if (hostname.includes('*') || (anyPort && port !== '')) throw new FormatError();
    return [anyPort ? `${origin}${ANY_PORT}` : origin];
  } catch {
    throw new FormatError(`item ${index + 1} is no origin`);
  }
}

/** A base URL that paths are appended to: no `/` at its end, no credentials, no query. */
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
