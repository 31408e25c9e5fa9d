import { DuplicateField } from '../errors/request-errors.js';
import { pairs } from './pairs.js';
import { decodeUtf8 } from './text.js';

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
