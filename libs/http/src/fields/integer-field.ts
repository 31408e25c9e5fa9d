import { Transform } from 'class-transformer';
import { field, type FieldOptions, rule } from './field.js';

export interface IntegerFieldOptions extends FieldOptions {
  min: number;
  max: number;
}

const WRITTEN = /^-?(0|[1-9][0-9]{0,14})$/;

/** A whole number in a JSON body. */
export function IntegerField({ min, max, ...options }: IntegerFieldOptions): PropertyDecorator {
  return field(
    options,
    { type: 'integer', minimum: min, maximum: max },
    rule('int_type', 'Input should be an integer', Number.isSafeInteger),
    rule('greater_than_equal', `Input should be at least ${min}`, (value) => Number(value) >= min),
    rule('less_than_equal', `Input should be at most ${max}`, (value) => Number(value) <= max),
  );
}

/** A whole number in a query, a path or a form, in plain decimal digits. */
export function QueryIntegerField(options: IntegerFieldOptions): PropertyDecorator {
  const integer = IntegerField(options);
  const fromText = Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? (WRITTEN.test(value) ? Number(value) : value) : value,
  );
  return (target, name) => {
    fromText(target, name);
    integer(target, name);
  };
}
