import {
  EnvError,
  makeExactValidator,
  type OptionalValidatorSpec,
  type RequiredValidatorSpec,
} from 'envalid';
import { type Format, FormatError } from './format.js';

/** Defaults as somebody would write them, read by the format itself: what the README prints is what holds. */
interface Defaults {
  default: string;
  /** Instead, in production. */
  production?: string;
  /** Instead, under test. */
  test?: string;
}

/** Marks a variable as never logged; it may also come from the file that `NAME_FILE` names. */
export const SECRET = { secret: true };

const OPEN = { secret: false };

interface Documented {
  readonly documentation: {
    readonly expects: string;
    /** As the README prints it. */
    readonly default: string;
    /** As one would write it; empty where the variable may be absent. */
    readonly example: string;
    readonly meaning: string;
    readonly secret: boolean;
  };
}

export type Variable<T> = RequiredValidatorSpec<T> & Documented;
export type OptionalVariable<T> = OptionalValidatorSpec<T> & Documented;

/** A variable that has a default. Its faults say what was expected, and never what was found. */
export function variable<T extends NonNullable<unknown>>(
  format: Format<T>,
  defaults: Defaults,
  meaning: string,
  { secret } = OPEN,
): Variable<T> {
  // envalid's `default` is production's, and `devDefault` everybody else's.
  const spec = {
    default: format.parse(defaults.production ?? defaults.default),
    devDefault: format.parse(defaults.default),
    testDefault: format.parse(defaults.test ?? defaults.default),
  };
  const documentation = {
    expects: format.expects,
    default: written(defaults),
    example: defaults.default,
    meaning,
    secret,
  };
  return { ...validatorOf(format)(spec), documentation };
}

/** A variable that may be absent. `absent` tells the README what happens then. */
export function optional<T extends NonNullable<unknown>>(
  format: Format<T>,
  absent: string,
  meaning: string,
  { secret } = OPEN,
): OptionalVariable<T> {
  const documentation = { expects: format.expects, default: absent, example: '', meaning, secret };
  return { ...validatorOf(format)({ default: undefined }), documentation };
}

function validatorOf<T>(format: Format<T>) {
  return makeExactValidator<T>((text) => {
    try {
      return format.parse(text);
    } catch (misfit) {
      if (!(misfit instanceof FormatError)) throw misfit;
      throw new EnvError(`${misfit.hint ? `${misfit.hint}; ` : ''}expected ${format.expects}`);
    }
  });
}

function written(defaults: Defaults): string {
  const production = defaults.production === undefined ? '' : ` (production: ${defaults.production})`;
  const test = defaults.test === undefined ? '' : ` (test: ${defaults.test})`;
  return `${defaults.default || 'none'}${production}${test}`;
}
