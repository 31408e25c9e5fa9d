import { field, type FieldOptions, isAString, stringRule } from './field.js';
import { atMost } from './text-field.js';

export const MIN_PASSWORD_CHARACTERS = 8;
/** What bcrypt reads; it silently ignores the rest, so more is refused. */
export const MAX_PASSWORD_BYTES = 72;

const UNSTORABLE = /[\0\p{Surrogate}]/u;

/** A password that is being set. Never trimmed or normalised. */
export function PasswordField(options: Partial<FieldOptions> = {}): PropertyDecorator {
  return field(
    {
      description: `At least ${MIN_PASSWORD_CHARACTERS} characters, and at most ${MAX_PASSWORD_BYTES} bytes of UTF-8.`,
      example: 'correct horse battery',
      ...options,
    },
    { type: 'string', format: 'password', maxLength: MAX_PASSWORD_BYTES },
    isAString,
    stringRule(
      'password_too_short',
      `Password should have at least ${MIN_PASSWORD_CHARACTERS} characters`,
      (text) => [...text].length >= MIN_PASSWORD_CHARACTERS,
    ),
    stringRule(
      'password_too_long',
      `Password should have at most ${MAX_PASSWORD_BYTES} bytes in UTF-8`,
      (text) => Buffer.byteLength(text) <= MAX_PASSWORD_BYTES,
    ),
    stringRule(
      'control_characters',
      'NUL characters and lone surrogates are not allowed',
      (text) => !UNSTORABLE.test(text),
    ),
  );
}

/**
 * A password that is only compared. Bounded, and otherwise as given, or one that could be set could not be used again:
 * the answer to a wrong one is «wrong».
 */
export function GivenPasswordField(options: FieldOptions): PropertyDecorator {
  return field(
    { example: 'correct horse battery', ...options },
    { type: 'string', format: 'password', maxLength: 1_024 },
    isAString,
    atMost(1_024),
  );
}
