import { InvalidJson } from '../errors/request-errors.js';
import { inspectJson } from './inspect-json.js';
import { decodeUtf8 } from './text.js';

/**
 * The value of a JSON body, strictly as RFC 8259 has it; `undefined` for an empty one, so that validation says which
 * fields are missing.
 * @throws InvalidEncoding and what `inspectJson` throws
 */
export function parseJsonBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  const text = decodeUtf8(bytes, 'body');
  inspectJson(text);
  try {
    return JSON.parse(text);
  } catch {
    // Its message quotes the body.
    throw new InvalidJson('The body is not valid JSON.');
  }
}
