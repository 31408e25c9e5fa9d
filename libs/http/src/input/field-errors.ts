import { type ValidationError } from 'class-validator';
import { type FieldError } from '../errors/problem.js';

type Loc = (string | number)[];

/** What we say for class-validator's own rules; our fields bring their types and messages as constraint names. */
const RULES: Readonly<Record<string, { type: string; msg?: string }>> = {
  whitelistValidation: { type: 'extra_forbidden', msg: 'Unknown field' },
  isString: { type: 'string_type', msg: 'Input should be a string' },
  minLength: { type: 'string_too_short' },
  maxLength: { type: 'string_too_long' },
  isInt: { type: 'int_type', msg: 'Input should be an integer' },
  isBoolean: { type: 'bool_type', msg: 'Input should be true or false' },
  isUuid: { type: 'uuid', msg: 'Input should be a UUID' },
  isEmail: { type: 'email', msg: 'Input should be an email address' },
  isEnum: { type: 'enum' },
  isIn: { type: 'enum' },
  isArray: { type: 'list_type', msg: 'Input should be a list' },
  isObject: { type: 'object_type', msg: 'Input should be an object' },
  nestedValidation: { type: 'object_type', msg: 'Input should be an object' },
};

/** class-validator's findings in FastAPI's manner, parents before children. */
export function fieldErrors(findings: readonly ValidationError[], parent: Loc): FieldError[] {
  return findings.flatMap((finding) => {
    const loc = [...parent, /^\d+$/.test(finding.property) ? Number(finding.property) : finding.property];
    return [...ownErrors(finding, loc), ...fieldErrors(finding.children ?? [], loc)];
  });
}

function ownErrors({ constraints, value }: ValidationError, loc: Loc): FieldError[] {
  if (!constraints) return [];
  if (value === undefined) return [{ loc, msg: 'Field required', type: 'missing' }];

  const errors = Object.entries(constraints).map(([name, msg]) => ({
    loc,
    msg,
    type: snakeCase(name),
    ...RULES[name],
  }));
  // A value of the wrong type breaks the other rules as well, which helps nobody.
  const ofType = errors.find(({ type }) => type.endsWith('_type'));
  return ofType ? [ofType] : errors;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
