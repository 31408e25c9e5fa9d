import { Transform } from 'class-transformer';
import { field, type FieldOptions, rule } from './field.js';

/** RFC 3339, a profile of ISO 8601: with an offset, to the millisecond. */
const RFC_3339 =
  /^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

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
