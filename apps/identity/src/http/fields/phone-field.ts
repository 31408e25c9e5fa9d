import { Transform } from 'class-transformer';
import { field, type FieldOptions, isAString, stringRule } from './field.js';
import { normalisePhone } from './phone-number.js';

/** A phone number, which the handler gets in E.164. */
export function PhoneField(options: Partial<FieldOptions> = {}): PropertyDecorator {
  return field(
    {
      description:
        'Phone number with `+` and country code; spaces, dashes, dots and parentheses are dropped.',
      example: '+442071838750',
      ...options,
    },
    { type: 'string', format: 'phone', maxLength: 31 },
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' ? (normalisePhone(value) ?? value) : value,
    ),
    isAString,
    stringRule(
      'phone',
      'Input should be a phone number with + and country code',
      (text) => normalisePhone(text) !== undefined,
    ),
  );
}
