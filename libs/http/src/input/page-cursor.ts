import { fromBase64url, uuidBytes, uuidOf } from '#crypto';
import { InvalidInput } from './invalid-input.js';

const BYTES = 16;

/** Where a page ends: the id of its last item, in base64url. Opaque to clients. */
export function cursorAfter(id: string): string {
  return uuidBytes(id).toString('base64url');
}

/** @throws InvalidInput for anything that `cursorAfter()` did not make */
export function idFromCursor(cursor: string): string {
  const bytes = fromBase64url(cursor);
  if (bytes?.length !== BYTES) {
    throw new InvalidInput([
      { loc: ['query', 'cursor'], msg: 'Input should be a next_cursor', type: 'cursor' },
    ]);
  }
  return uuidOf(bytes);
}
