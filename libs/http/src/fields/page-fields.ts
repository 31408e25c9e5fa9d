import { fromBase64url, uuidBytes, uuidOf } from '#crypto';
import { QueryIntegerField } from './scalar-fields.js';
import { TextField } from './text-field.js';
import { InvalidInput } from '../errors/request-errors.js';

const ID_BYTES = 16;

/** The number of items on a page. */
export function PageSizeField(things: string, byDefault: number): PropertyDecorator {
  return QueryIntegerField({
    optional: true,
    min: 1,
    max: 100,
    description: `${things} per page; ${byDefault} by default.`,
    example: byDefault,
  });
}

/** Where a page begins: the cursor after the last item of the previous one. */
export function CursorField(): PropertyDecorator {
  return TextField({
    optional: true,
    min: 1,
    max: 64,
    description: 'The `next_cursor` of the previous page.',
    example: 'AZejxF1uf4CaGyw9Tl9gcQ',
  });
}

/** The id of the last item of a page, in base64url. Opaque to clients. */
export function cursorAfter(id: string): string {
  return uuidBytes(id).toString('base64url');
}

/** @throws InvalidInput for text that `cursorAfter()` did not return */
export function idFromCursor(cursor: string): string {
  const bytes = fromBase64url(cursor);
  if (bytes?.length !== ID_BYTES) {
    throw new InvalidInput([
      { loc: ['query', 'cursor'], msg: 'Input should be a next_cursor', type: 'cursor' },
    ]);
  }
  return uuidOf(bytes);
}
