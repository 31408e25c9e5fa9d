import { describe, expect, it } from '@jest/globals';
import { type FieldError } from '../errors/app-error.js';
import { InputPipe } from '../input/input.pipe.js';
import { type InvalidInput } from '../errors/request-errors.js';
import {
  BooleanField,
  IntegerField,
  QueryBooleanField,
  QueryIntegerField,
  UuidListField,
} from './scalar-fields.js';
import { ChoiceField, TextField } from './text-field.js';
import { EmailField, normaliseEmail } from './email-field.js';
import { normalisePhone, PhoneField } from './phone-field.js';

const description = 'A field.';

class Form {
  @TextField({ description, max: 4, min: 2, optional: true, nullable: true })
  name?: string | null;

  @TextField({ description, max: 100, multiline: true, optional: true })
  bio?: string;

  @EmailField({ optional: true })
  email?: string;

  @PhoneField({ optional: true })
  phone?: string;

  @BooleanField({ description, optional: true })
  is_active?: boolean;

  @QueryBooleanField({ description, optional: true })
  is_admin?: boolean;

  @IntegerField({ description, min: 0, max: 9, optional: true })
  count?: number;

  @QueryIntegerField({ description, min: -5, max: 100, optional: true })
  limit?: number;

  @UuidListField({ max: 2, optional: true })
  ids?: string[];

  @ChoiceField({ description, of: ['asc', 'desc'], optional: true })
  order?: string;
}

const pipe = new InputPipe();

async function read(input: Record<string, unknown>): Promise<Record<string, unknown>> {
  return { ...((await pipe.transform(input, { type: 'body', metatype: Form })) as object) };
}

/** The error types for one field. */
async function refusals(input: Record<string, unknown>): Promise<string[]> {
  const errors = await read(input).then(
    (): FieldError[] => [],
    (error: InvalidInput) => [...error.errors],
  );
  return errors.map(({ type }) => type);
}

const uuid = '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6071';

describe('fields', () => {
  it('fields stay absent, and null where null is allowed', async () => {
    expect(await read({})).toEqual({});
    expect(await read({ name: null })).toEqual({ name: null });
    expect(await refusals({ bio: null })).toEqual(['string_type']);
  });

  it.each<[Record<string, unknown>, unknown]>([
    [{ name: '😀😀😀😀' }, '😀😀😀😀'],
    [{ bio: 'one\r\ntwo\tthree' }, 'one\ntwo\tthree'],
    [{ email: ' Ada.L@Bücher.Example ' }, 'ada.l@xn--bcher-kva.example'],
    [{ phone: '+1 (555) 123-4567' }, '+15551234567'],
    [{ is_active: false }, false],
    [{ is_admin: 'true' }, true],
    [{ count: 9 }, 9],
    [{ limit: '-5' }, -5],
    [{ ids: [uuid.toUpperCase()] }, [uuid]],
    [{ order: 'asc' }, 'asc'],
  ])('fields accept %j', async (input, expected) => {
    expect(Object.values(await read(input))).toEqual([expected]);
  });

  it.each<[Record<string, unknown>, string[]]>([
    [{ name: 5 }, ['string_type']],
    [{ name: ['ab'] }, ['string_type']],
    [{ name: 'a' }, ['string_too_short']],
    [{ name: 'abcde' }, ['string_too_long']],
    [{ name: '\ufe0f'.repeat(5) }, ['string_too_long']],
    [{ name: 'a\nb' }, ['control_characters']],
    [{ name: 'a\u0085b' }, ['control_characters']],
    [{ bio: 'a\rb' }, ['control_characters']],
    [{ bio: 'a\ud800' }, ['control_characters']],
    [{ email: 'ada' }, ['email']],
    [{ email: { $ne: null } }, ['string_type']],
    [{ phone: '123' }, ['phone']],
    [{ is_active: 'true' }, ['bool_type']],
    [{ is_active: 1 }, ['bool_type']],
    [{ is_admin: 'yes' }, ['bool_type']],
    [{ count: '5' }, ['int_type']],
    [{ count: 1.5 }, ['int_type']],
    [{ count: 1e300 }, ['int_type']],
    [{ count: 10 }, ['less_than_equal']],
    [{ limit: '1.0' }, ['int_type']],
    [{ limit: '99999999999999999999' }, ['int_type']],
    [{ limit: ['1', '2'] }, ['int_type']],
    [{ ids: uuid }, ['list_type']],
    [{ ids: [] }, ['list_too_short']],
    [{ ids: [uuid, uuid, uuid] }, ['list_too_long']],
    [{ ids: [uuid, 5] }, ['uuid']],
    [{ order: 'ASC' }, ['enum']],
    [{ id: uuid }, ['extra_forbidden']],
  ])('fields refuse %j', async (input, types) => {
    expect(await refusals(input)).toEqual(types);
  });
});

describe('normaliseEmail', () => {
  it.each([
    ["O'Neil+tag@Example.COM", "o'neil+tag@example.com"],
    ['a@münchen.example', 'a@xn--mnchen-3ya.example'],
    ['a@ｅxample.com', 'a@example.com'],
    [`${'a'.repeat(64)}@b.example`, `${'a'.repeat(64)}@b.example`],
  ])('normaliseEmail reads %s', (text, expected) => {
    expect(normaliseEmail(text)).toBe(expected);
  });

  it.each([
    '',
    '@',
    'a@',
    '@b.example',
    'a@localhost',
    'a@b..example',
    'a@-b.example',
    'a@b.123',
    'a@127.0.0.1',
    'a@0x7f.1',
    'a@[127.0.0.1]',
    'a@b.ex%61mple',
    'a@b.example/x',
    'a@b.example:25',
    'a b@c.example',
    'a@b c.example',
    '.a@b.example',
    'a..b@c.example',
    '"a b"@c.example',
    'ä@b.example',
    'a@b@c.example',
    'a\n@b.example',
    `${'a'.repeat(65)}@b.example`,
    `a@${'b'.repeat(64)}.example`,
    `a@${'b.'.repeat(130)}example`,
  ])('normaliseEmail refuses %j', (text) => {
    expect(normaliseEmail(text)).toBeUndefined();
  });
});

describe('normalisePhone', () => {
  it.each([
    ['+44 (20) 7183-8750', '+442071838750'],
    [' +49.30.901820 ', '+4930901820'],
    ['+44 (0)20 7183 8750', '+442071838750'],
    ['+15551234567', '+15551234567'],
  ])('normalisePhone reads %s', (text, expected) => {
    expect(normalisePhone(text)).toBe(expected);
  });

  it.each([
    '',
    '+',
    '02071838750',
    '+0000000000',
    '+44207183875012',
    // The library accepts 15 digits after the German country code; E.164 allows 15 in total.
    `+49${'5'.repeat(14)}`,
    '+44 20',
    '+44 20 7183 8750 ext. 5',
    'tel:+442071838750',
    '+٤٤٢٠٧١٨٣٨٧٥٠',
  ])('normalisePhone refuses %j', (text) => {
    expect(normalisePhone(text)).toBeUndefined();
  });
});
