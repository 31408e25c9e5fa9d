/**
 * The environment is not valid. The message lists every mistake, one per line: the variable's name and what is expected of
 * it, with unit and range. It never contains a value, which may be a secret.
 */
export class InvalidSettings extends Error {
  readonly code = 'config.invalid';
  override readonly name = 'InvalidSettings';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}
