import { Transform } from 'class-transformer';
import { parsePhoneNumberFromString } from 'libphonenumber-js/core';
import metadata from 'libphonenumber-js/min/metadata';
import { field, type FieldOptions, isAString, stringRule } from './field.js';

/** A phone number; the handler receives it in E.164. */
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

// The library accepts more: extensions, letters, digits of other scripts, a number inside a text.
const WRITTEN = /^\+[0-9 ().-]{6,30}$/;
// The library accepts longer national numbers in Germany and Japan; E.164, section 6.1, and the column do not.
const E164 = /^\+[1-9][0-9]{1,14}$/;

/**
 * A phone number in E.164 (`+442071838750`), from the forms people write, such as `+44 (20) 7183-8750`.
 * Checks country code and length, not whether the range is in use: lists of ranges are soon out of date, and only a
 * message to the number proves that it exists.
 * @returns `undefined` for text that is not an international number
 */
export function normalisePhone(text: string): string | undefined {
  const trimmed = text.trim();
  if (!WRITTEN.test(trimmed)) return undefined;
  const phone = parsePhoneNumberFromString(trimmed, { extract: false }, metadata);
  return phone?.isPossible() && E164.test(phone.number) ? phone.number : undefined;
}
