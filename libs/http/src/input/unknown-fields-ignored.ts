const IGNORED = 'usher:unknown-fields-ignored';

/** For a class whose protocol says so; everywhere else an unknown field is a misspelt one, and refused. */
export function UnknownFieldsIgnored(): ClassDecorator {
  return (target) => Reflect.defineMetadata(IGNORED, true, target);
}

export function ignoresUnknownFields(value: object): boolean {
  return Reflect.hasMetadata(IGNORED, value.constructor);
}
