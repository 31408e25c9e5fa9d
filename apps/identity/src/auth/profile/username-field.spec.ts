import { describe, expect, it } from '@jest/globals';
import { InputPipe, type InvalidInput } from '#http';
import { UsernameField } from './username-field.js';

class Form {
  @UsernameField()
  username!: string;
}

const pipe = new InputPipe();
const read = (username: string): Promise<unknown> =>
  pipe.transform({ username }, { type: 'body', metatype: Form });

describe('UsernameField', () => {
  it('UsernameField accepts letters, digits and the allowed punctuation unchanged', async () => {
    expect(await read('_a.b-C9')).toEqual({ username: '_a.b-C9' });
  });

  it.each([
    ['ab', 'string_too_short'],
    ['a'.repeat(33), 'string_too_long'],
    ['.ada', 'username_characters'],
    ['аda', 'username_characters'], // the first letter is Cyrillic
    ['ada\n', 'username_characters'],
  ])('UsernameField refuses %j', async (username, type) => {
    const { errors } = (await read(username).catch((error: unknown) => error)) as InvalidInput;
    expect(errors.map((error) => error.type)).toEqual([type]);
  });
});
