import { type Format, FormatError } from './format.js';
import { webOrigin } from './web-origin.js';

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
    // An origin that no browser sends would be a setting without effect.
    if (hostname.includes('*') || (anyPort && port !== '')) throw new FormatError();
    return [anyPort ? `${origin}${ANY_PORT}` : origin];
  } catch {
    throw new FormatError(`item ${index + 1} is no origin`);
  }
}
