import { field, type FieldOptions, isAString, stringRule } from './field.js';

export interface ChoiceFieldOptions extends FieldOptions {
  of: readonly string[];
}

/** One of a few words. */
export function ChoiceField({ of, ...options }: ChoiceFieldOptions): PropertyDecorator {
  const words = of.map((word) => `"${word}"`).join(' or ');
  return field(
    options,
    { type: 'string', enum: [...of] },
    isAString,
    stringRule('enum', `Input should be ${words}`, (text) => of.includes(text)),
  );
}
