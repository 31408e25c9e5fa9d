import { QueryIntegerField } from './integer-field.js';
import { TextField } from './text-field.js';

/** How much of a list to answer at once. */
export function PageSizeField(things: string, unlessGiven: number): PropertyDecorator {
  return QueryIntegerField({
    optional: true,
    min: 1,
    max: 100,
    description: `${things} on a page; ${unlessGiven} unless given.`,
    example: unlessGiven,
  });
}

/** Where a page begins; see `input/page-cursor.ts`. */
export function CursorField(): PropertyDecorator {
  return TextField({
    optional: true,
    min: 1,
    max: 64,
    description: 'The `next_cursor` of the page before.',
    example: 'AZejxF1uf4CaGyw9Tl9gcQ',
  });
}
