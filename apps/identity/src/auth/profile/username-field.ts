import { atLeast, atMost, field, type FieldOptions, isAString, stringRule } from '#http';

const USERNAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/** A username as given; usernames are compared without regard to case. Never an email address: it has no `@`. */
export function UsernameField(options: Partial<FieldOptions> = {}): PropertyDecorator {
  return field(
    {
      description: 'Letters, digits, `_`, `.` and `-`, beginning with a letter, a digit or `_`.',
      example: 'ada',
      ...options,
    },
    { type: 'string', minLength: 3, maxLength: 32, pattern: USERNAME.source },
    isAString,
    atLeast(3),
    atMost(32),
    stringRule(
      'username_characters',
      'Input should have only letters, digits, "_", "." and "-", and begin with a letter, a digit or "_"',
      (text) => USERNAME.test(text),
    ),
  );
}
