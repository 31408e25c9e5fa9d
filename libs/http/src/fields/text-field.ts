import { Transform } from 'class-transformer';
import { field, type FieldOptions, isAString, stringRule } from './field.js';

export interface TextFieldOptions extends FieldOptions {
  /** Length in code points, as PostgreSQL counts `varchar(n)`. */
  max: number;
  min?: number;
  /** Line breaks and tabs are allowed; CRLF becomes LF. */
  multiline?: boolean;
}

const CONTROL = /[\p{Cc}\p{Cs}]/u;
const CONTROL_BUT_LINES = /(?![\n\t])[\p{Cc}\p{Cs}]/u;

/** Text of bounded length, neither trimmed nor normalised. */
export function TextField({
  max,
  min = 0,
  multiline = false,
  ...options
}: TextFieldOptions): PropertyDecorator {
  return field(
    options,
    { type: 'string', maxLength: max, ...(min > 0 && { minLength: min }) },
    ...(multiline ? [Transform(({ value }: { value: unknown }) => withoutCarriageReturns(value))] : []),
    isAString,
    atLeast(min),
    atMost(max),
    withoutControls(multiline),
  );
}

export interface ChoiceFieldOptions extends FieldOptions {
  of: readonly string[];
}

/** One of a fixed set of words. */
export function ChoiceField({ of, ...options }: ChoiceFieldOptions): PropertyDecorator {
  const words = of.map((word) => `"${word}"`).join(' or ');
  return field(
    options,
    { type: 'string', enum: [...of] },
    isAString,
    stringRule('enum', `Input should be ${words}`, (text) => of.includes(text)),
  );
}

export function atLeast(min: number): PropertyDecorator {
  return stringRule(
    'string_too_short',
    `Input should have at least ${counted(min)}`,
    (text) => length(text) >= min,
  );
}

export function atMost(max: number): PropertyDecorator {
  return stringRule(
    'string_too_long',
    `Input should have at most ${counted(max)}`,
    (text) => length(text) <= max,
  );
}

export function withoutControls(multiline = false): PropertyDecorator {
  const refused = multiline ? CONTROL_BUT_LINES : CONTROL;
  return stringRule(
    'control_characters',
    'Control characters are not allowed',
    (text) => !refused.test(text),
  );
}

function withoutCarriageReturns(value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\r\n', '\n') : value;
}

function length(text: string): number {
  return [...text].length;
}

function counted(count: number): string {
  return count === 1 ? '1 character' : `${count} characters`;
}
