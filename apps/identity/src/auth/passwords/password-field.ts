import { atMost, field, type FieldOptions, isAString, stringRule } from '#http';
import {
  isWellFormedPassword,
  MAX_PASSWORD_BYTES,
  MIN_PASSWORD_CHARACTERS,
  passwordBytes,
  passwordCharacters,
} from './password-policy.js';

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
      (text) => passwordCharacters(text) >= MIN_PASSWORD_CHARACTERS,
    ),
    stringRule(
      'password_too_long',
      `Password should have at most ${MAX_PASSWORD_BYTES} bytes in UTF-8`,
      (text) => passwordBytes(text) <= MAX_PASSWORD_BYTES,
    ),
    stringRule(
      'control_characters',
      'NUL characters and lone surrogates are not allowed',
      isWellFormedPassword,
    ),
  );
}

/** A password to compare. Only its length is limited: any password that could ever be set must be accepted. */
export function GivenPasswordField(options: FieldOptions): PropertyDecorator {
  return field(
    { example: 'correct horse battery', ...options },
    { type: 'string', format: 'password', maxLength: 1_024 },
    isAString,
    atMost(1_024),
  );
}
