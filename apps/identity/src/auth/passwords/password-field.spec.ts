import { describe, expect, it } from '@jest/globals';
import { InputPipe, type InvalidInput } from '#http';
import { GivenPasswordField, PasswordField } from './password-field.js';

class Form {
  @PasswordField({ optional: true })
  password?: string;

  @GivenPasswordField({ description: 'A field.', optional: true })
  current_password?: string;
}

const pipe = new InputPipe();
const read = (input: object): Promise<unknown> => pipe.transform(input, { type: 'body', metatype: Form });

describe('PasswordField and GivenPasswordField', () => {
  it.each([
    { password: 'é'.repeat(36) },
    { password: 'bell\u0007\r\nbell' },
    { current_password: 'bell\u0007\r\nbell' },
    { current_password: '' },
  ])('password fields accept %j unchanged', async (input) => {
    expect(await read(input)).toEqual(input);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ password: 'short' }, 'password_too_short'],
    [{ password: `${'é'.repeat(36)}e` }, 'password_too_long'],
    [{ password: 'nul\0nul\0nul' }, 'control_characters'],
    [{ current_password: 'x'.repeat(1_025) }, 'string_too_long'],
    [{ current_password: ['x'] }, 'string_type'],
  ])('password fields refuse %j', async (input, type) => {
    const { errors } = (await read(input).catch((error: unknown) => error)) as InvalidInput;
    expect(errors.map((error) => error.type)).toEqual([type]);
  });
});
