import { ForbiddenField, InvalidEncoding } from '../problems/request-faults.js';
import { refuseUnstorable } from './text.js';

/**
 * The decoded names and values of `a=1&b=2` (WHATWG URL, application/x-www-form-urlencoded), in order.
 * Brackets in names mean nothing: `a[b]` is a name.
 * @throws InvalidEncoding for malformed percent-encoding, InvalidText, ForbiddenField
 */
export function* pairs(text: string, where: 'body' | 'query'): Generator<[name: string, value: string]> {
  for (const part of text.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals === -1 ? part : part.slice(0, equals), where);
    const value = equals === -1 ? '' : decode(part.slice(equals + 1), where);
    refuseUnstorable(name, () => [where]);
    if (name in Object.prototype) throw new ForbiddenField([where, name]);
    refuseUnstorable(value, () => [where, name]);
    yield [name, value];
  }
}

function decode(text: string, where: string): string {
  const spaced = text.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw new InvalidEncoding(where);
  }
}
