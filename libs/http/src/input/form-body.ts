import { DuplicateField, InvalidEncoding, TooManyFields } from '../errors/request-errors.js';
import { decodeUtf8, refuseForbiddenName, refuseUnstorable } from './text.js';

/** No route takes more than a dozen. Validation compares every name with all others. */
export const MAX_PAIRS = 100;

/**
 * The fields of a form; `undefined` for an empty body, as with JSON.
 * @throws InvalidEncoding, InvalidText, ForbiddenField, DuplicateField
 */
export function parseFormBody(bytes: Buffer): Record<string, string> | undefined {
  if (bytes.length === 0) return undefined;
  const fields: Record<string, string> = {};
  for (const [name, value] of pairs(decodeUtf8(bytes, 'body'), 'body')) {
    if (Object.hasOwn(fields, name)) throw new DuplicateField(['body', name]);
    fields[name] = value;
  }
  return fields;
}

/**
 * The decoded names and values of `a=1&b=2` (WHATWG URL, application/x-www-form-urlencoded), in order.
 * Brackets have no meaning: `a[b]` is a name.
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
