import { Transform } from 'class-transformer';
import { field, type FieldOptions, rule } from './field.js';

const isABoolean = rule('bool_type', 'Input should be true or false', (value) => typeof value === 'boolean');

/** `true` or `false` in a JSON body. */
export function BooleanField(options: FieldOptions): PropertyDecorator {
  return field(options, { type: 'boolean' }, isABoolean);
}

/** `true` or `false` in a query or a form, where all values are text. */
export function QueryBooleanField(options: FieldOptions): PropertyDecorator {
  return field(
    options,
    { type: 'boolean' },
    Transform(({ value }: { value: unknown }) =>
      value === 'true' ? true : value === 'false' ? false : value,
    ),
    isABoolean,
  );
}
