import { InvalidEncoding, TooManyFields } from '../errors/request-errors.js';
import { refuseForbiddenName, refuseUnstorable } from './text.js';

/** No route takes more than a dozen. Validation compares every name with every other. */
export const MAX_PAIRS = 100;

/**
 * The decoded names and values of `a=1&b=2` (WHATWG URL, application/x-www-form-urlencoded), in order.
 * Brackets in names mean nothing: `a[b]` is a name.
 * @throws TooManyFields, InvalidEncoding for malformed percent-encoding, InvalidText, ForbiddenField
 */
export function* pairs(text: string, where: 'body' | 'query'): Generator<[name: string, value: string]> {
  const parts = text.split('&', MAX_PAIRS + 1);
  if (parts.length > MAX_PAIRS) throw new TooManyFields(`The ${where} may have ${MAX_PAIRS} fields at most.`);
  for (const part of parts) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals === -1 ? part : part.slice(0, equals), where);
    const value = equals === -1 ? '' : decode(part.slice(equals + 1), where);
    refuseUnstorable(name, () => [where]);
    refuseForbiddenName(name, () => [where, name]);
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
