import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy, ValidateIf } from 'class-validator';

/** Options of every field. */
export interface FieldOptions {
  /** For the documentation. */
  description: string;
  example?: unknown;
  /** May be absent; then it stays absent. */
  optional?: boolean;
  /** May be `null`, which clears it. */
  nullable?: boolean;
}

/** Documentation and validation of a field in one decorator. */
export function field(
  { description, example, optional = false, nullable = false }: FieldOptions,
  schema: Record<string, unknown>,
  ...rules: PropertyDecorator[]
): PropertyDecorator {
  const documented = { ...schema, description, example, required: !optional, ...(nullable && { nullable }) };
  return applyDecorators(
    ApiProperty(documented),
    ValidateIf((_, value) => !(optional && value === undefined) && !(nullable && value === null)),
    ...rules,
  );
}

/** One rule; `type` and `msg` go into the field's error. */
export function rule(type: string, msg: string, holds: (value: unknown) => boolean): PropertyDecorator {
  return ValidateBy({ name: type, validator: { validate: holds, defaultMessage: () => msg } });
}

/** A rule for strings; other values are left to the rule for the type. */
export function stringRule(type: string, msg: string, holds: (value: string) => boolean): PropertyDecorator {
  return rule(type, msg, (value) => typeof value !== 'string' || holds(value));
}

export const isAString = rule(
  'string_type',
  'Input should be a string',
  (value) => typeof value === 'string',
);

/** A rule for lists; other values are left to the rule for the type. */
export function listRule(type: string, msg: string, holds: (list: unknown[]) => boolean): PropertyDecorator {
  return rule(type, msg, (value) => !Array.isArray(value) || holds(value as unknown[]));
}
