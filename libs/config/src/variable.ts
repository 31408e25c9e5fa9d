import {
  EnvError,
  makeExactValidator,
  type OptionalValidatorSpec,
  type RequiredValidatorSpec,
} from 'envalid';
import { type Format, FormatError } from './formats/format.js';

/** What a log shows in place of a secret. */
const SET = '[set]';

/** Defaults as an operator would write them. The format itself reads them, so that the documentation is right. */
interface Defaults {
  default: string;
  /** Instead, in production. */
  production?: string;
  /** Instead, under test. */
  test?: string;
}

/** What values that depend on the process are settled by. */
export interface SettleContext {
  readonly cwd: string;
  /** DATA_DIR, absolute. */
  readonly dataDir: string;
}

interface Options<T, S> {
  /** Never logged; the value may also come from the file that `NAME_FILE` names. */
  readonly secret?: boolean;
  /** What a log shows of a secret; default: only that it is set. */
  readonly shown?: (value: NonNullable<S>) => unknown;
  /** Turns the variable's value into that of the setting: defaults that depend on others, absolute paths. */
  readonly settle?: (value: T, context: SettleContext) => S;
}

interface Definition<F extends string, T, S> {
  /** The name in `Settings`, with its unit. */
  readonly field: F;
  readonly secret: boolean;
  readonly shown: (value: NonNullable<S>) => unknown;
  readonly settle: (value: T, context: SettleContext) => S;
  readonly documentation: {
    readonly expects: string;
    /** As the documentation prints it. */
    readonly default: string;
    /** As an operator would write it; empty where the variable may be absent. */
    readonly example: string;
    readonly meaning: string;
  };
}

export type Variable<F extends string, T, S> = RequiredValidatorSpec<T> & Definition<F, T, S>;
export type OptionalVariable<F extends string, T, S> = OptionalValidatorSpec<T> &
  Definition<F, T | undefined, S>;

/** `DATABASE_URL_FILE` for `DATABASE_URL`: the convention of Docker's and Kubernetes' secrets. */
export function fileVariable(name: string): string {
  return `${name}_FILE`;
}

/** A variable that has a default. Its errors say what was expected, and never what was found. */
export function variable<const F extends string, T extends NonNullable<unknown>, S = T>(
  field: F,
  format: Format<T>,
  defaults: Defaults,
  meaning: string,
  options: Options<T, S> = {},
): Variable<F, T, S> {
  // envalid's `default` is production's, and `devDefault` that of every other environment.
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
  };
  return { ...validatorOf(format)(spec), ...definition(field, documentation, options) };
}

/** A variable that may be absent. `absent` tells the documentation what happens then. */
export function optional<const F extends string, T extends NonNullable<unknown>, S = T | undefined>(
  field: F,
  format: Format<T>,
  absent: string,
  meaning: string,
  options: Options<T | undefined, S> = {},
): OptionalVariable<F, T, S> {
  const documentation = { expects: format.expects, default: absent, example: '', meaning };
  return { ...validatorOf(format)({ default: undefined }), ...definition(field, documentation, options) };
}

function definition<F extends string, T, S>(
  field: F,
  documentation: Definition<F, T, S>['documentation'],
  { secret = false, shown = () => SET, settle = (value) => value as unknown as S }: Options<T, S>,
): Definition<F, T, S> {
  return { field, secret, shown, settle, documentation };
}

function validatorOf<T>(format: Format<T>) {
  return makeExactValidator<T>((text) => {
    try {
      return format.parse(text);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new EnvError(`${error.hint ? `${error.hint}; ` : ''}expected ${format.expects}`);
    }
  });
}

function written(defaults: Defaults): string {
  const production = defaults.production === undefined ? '' : ` (production: ${defaults.production})`;
  const test = defaults.test === undefined ? '' : ` (test: ${defaults.test})`;
  return `${defaults.default || 'none'}${production}${test}`;
}
