import { inspect } from 'node:util';
import { type SettingsValues, type VariableName, variables } from './environment.js';

const definitions = Object.values(variables) as readonly (typeof variables)[VariableName][];
const secretFields = definitions.filter(({ secret }) => secret).map(({ field }) => field);

/** The secrets of each instance. */
const secrets = new WeakMap<object, Partial<SettingsValues>>();

/** A class whose instances have the fields of the table: TypeScript cannot declare them one by one. */
const SettingsFields = class {} as new () => SettingsValues;

/**
 * The environment, read once and checked. The class is the DI token; `readSettings` makes the one instance, which is
 * frozen, lists included. `variables` in environment.ts tells what each setting means.
 *
 * Secrets are accessors, because a logger that walks an object's own fields (pino does, for the object it is given) never
 * calls `toJSON`. A spread therefore leaves them out: read the settings again to vary them.
 */
export class Settings extends SettingsFields {
  static {
    for (const field of secretFields) {
      Object.defineProperty(Settings.prototype, field, {
        get(this: Settings) {
          return secrets.get(this)?.[field];
        },
      });
    }
  }

  constructor(values: SettingsValues) {
    super();
    const own = Object.entries(values).map(([field, value]) => [field, frozen(value)] as const);
    const isSecret = ([field]: readonly [string, unknown]): boolean => isSecretField(field);
    secrets.set(this, Object.fromEntries(own.filter(isSecret)));
    Object.assign(this, Object.fromEntries(own.filter((entry) => !isSecret(entry))));
    Object.freeze(this);
  }

  /** Every setting, with `[set]` in place of the secrets. */
  toJSON(): Record<string, unknown> {
    const shown = definitions
      .filter(({ secret }) => secret)
      .map(({ field, shown }): [string, unknown] => {
        const value: unknown = this[field];
        return [field, isSet(value) ? (shown as (value: unknown) => unknown)(value) : undefined];
      });
    return Object.fromEntries([...Object.entries(this), ...shown]);
  }

  [inspect.custom](): Record<string, unknown> {
    return this.toJSON();
  }
}

export type NodeEnv = Settings['nodeEnv'];
export type LogLevel = Settings['logLevel'];

function isSecretField(field: string): boolean {
  return (secretFields as readonly string[]).includes(field);
}

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value instanceof Map ? value.size > 0 : value !== undefined;
}

/** Lists and maps are copied, so that two readings share none. */
function frozen(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze([...(value as unknown[])]);
  return value instanceof Map ? new Map(value) : value;
}
