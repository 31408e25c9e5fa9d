import { InvalidInput } from './invalid-input.js';

const BYTES = 16;

/** Where a page ends: the id of its last item, in base64url. Opaque to clients. */
export function cursorAfter(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

/** @throws InvalidInput for anything that `cursorAfter()` did not make */
export function idOf(cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.length !== BYTES || bytes.toString('base64url') !== cursor) {
    throw new InvalidInput([
      { loc: ['query', 'cursor'], msg: 'Input should be a next_cursor', type: 'cursor' },
    ]);
  }
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
