import { Transform } from 'class-transformer';
import { normaliseEmail } from './email-address.js';
import { field, type FieldOptions, isAString, stringRule } from './field.js';

/** An email address, which the handler gets as `normaliseEmail` has it. */
export function EmailField(options: Partial<FieldOptions> = {}): PropertyDecorator {
  return field(
    {
      description: 'Email address; compared without regard to case.',
      example: 'ada@example.com',
      ...options,
    },
    { type: 'string', format: 'email', maxLength: 254 },
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' ? (normaliseEmail(value) ?? value) : value,
    ),
    isAString,
    stringRule('email', 'Input should be an email address', (text) => normaliseEmail(text) !== undefined),
  );
}
