import { Transform } from 'class-transformer';
import { field, type FieldOptions, isAString, listRule, rule, stringRule } from './field.js';

const isABoolean = rule('bool_type', 'Input should be true or false', (value) => typeof value === 'boolean');
const DECIMAL = /^-?(0|[1-9][0-9]{0,14})$/;
/** RFC 3339, a profile of ISO 8601: with an offset, to the millisecond. */
const RFC_3339 =
  /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const UUID_EXAMPLE = '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071';

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

export interface IntegerFieldOptions extends FieldOptions {
  min: number;
  max: number;
}

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
    typeof value === 'string' ? (DECIMAL.test(value) ? Number(value) : value) : value,
  );
  return (target, name) => {
    fromText(target, name);
    integer(target, name);
  };
}

/** A date and time in a query or a body. The handler receives a `Date`. */
export function InstantField(options: Partial<FieldOptions> & { description: string }): PropertyDecorator {
  return field(
    { example: '2026-01-31T12:00:00Z', ...options },
    { type: 'string', format: 'date-time' },
    Transform(({ value }: { value: unknown }) => momentOf(value) ?? value),
    rule(
      'datetime',
      'Input should be a date and time with its offset, such as 2026-01-31T12:00:00Z',
      (value) => value instanceof Date,
    ),
  );
}

function momentOf(value: unknown): Date | undefined {
  if (typeof value !== 'string' || !RFC_3339.test(value)) return undefined;
  const moment = new Date(value);
  // `Date` reads the 31st of February as the 3rd of March.
  const [year, month, day] = value.slice(0, 10).split('-').map(Number) as [number, number, number];
  const exists = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
  return exists && !Number.isNaN(moment.getTime()) ? moment : undefined;
}

export interface UuidListFieldOptions extends Partial<FieldOptions> {
  max: number;
}

/** A UUID of any version; the handler receives it in lower case. */
export function UuidField(options: Partial<FieldOptions> = {}): PropertyDecorator {
  return field(
    { description: 'Identifier.', example: UUID_EXAMPLE, ...options },
    { type: 'string', format: 'uuid' },
    Transform(({ value }: { value: unknown }) => inLowerCase(value)),
    isAString,
    stringRule('uuid', 'Input should be a UUID', isUuid),
  );
}

/** One to `max` UUIDs; the handler receives them in lower case. */
export function UuidListField({ max, ...options }: UuidListFieldOptions): PropertyDecorator {
  return field(
    { description: `1 to ${max} identifiers.`, example: [UUID_EXAMPLE], ...options },
    { type: 'array', items: { type: 'string', format: 'uuid' }, minItems: 1, maxItems: max },
    Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? value.map(inLowerCase) : value)),
    rule('list_type', 'Input should be a list', Array.isArray),
    listRule('list_too_short', 'Input should have at least 1 item', (list) => list.length >= 1),
    listRule('list_too_long', `Input should have at most ${max} items`, (list) => list.length <= max),
    listRule('uuid', 'Every item should be a UUID', (list) => list.every(isUuid)),
  );
}

export function isUuid(value: unknown): boolean {
  return typeof value === 'string' && UUID.test(value);
}

function inLowerCase(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}
