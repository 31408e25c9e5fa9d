import { Transform } from 'class-transformer';
import { field, type FieldOptions, isAString, listRule, rule, stringRule } from './field.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const EXAMPLE = '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071';

export interface UuidListFieldOptions extends Partial<FieldOptions> {
  max: number;
}

/** A UUID of any version; the handler receives it in lower case. */
export function UuidField(options: Partial<FieldOptions> = {}): PropertyDecorator {
  return field(
    { description: 'Identifier.', example: EXAMPLE, ...options },
    { type: 'string', format: 'uuid' },
    Transform(({ value }: { value: unknown }) => inLowerCase(value)),
    isAString,
    stringRule('uuid', 'Input should be a UUID', isUuid),
  );
}

/** One to `max` UUIDs; the handler receives them in lower case. */
export function UuidListField({ max, ...options }: UuidListFieldOptions): PropertyDecorator {
  return field(
    { description: `1 to ${max} identifiers.`, example: [EXAMPLE], ...options },
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
