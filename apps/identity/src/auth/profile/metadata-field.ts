import { type Metadata, metadataError } from '#accounts';
import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';
import { field, type FieldOptions, rule } from '#http';

/**
 * JSON that belongs to an application. Given members replace members of the same name, and `null` removes one, so
 * that two clients with different members do not undo each other's changes.
 */
export function MetadataField(options: FieldOptions): PropertyDecorator {
  return field(
    { example: { theme: 'dark', font_size: 14 }, ...options },
    { type: 'object', additionalProperties: true },
    // Taken as sent: class-transformer would copy it and drop names with a meaning to it.
    Transform(({ obj, key }: { obj: Record<string, unknown>; key: string }) => obj[key]),
    rule('object_type', 'Input should be an object', isObject),
    ValidateBy({
      name: 'metadata',
      validator: {
        validate: (value) => problemOf(value) === undefined,
        defaultMessage: (args) => problemOf(args?.value) ?? '',
      },
    }),
  );
}

function isObject(value: unknown): value is Metadata {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Other types are reported by their own rule. */
function problemOf(value: unknown): string | undefined {
  return isObject(value) ? metadataError(value) : undefined;
}
