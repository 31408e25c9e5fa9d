/**
 * The environment cannot be started with. The message lists every fault, one per line: the variable's name and
 * what is expected of it, with unit and range. It never holds a value, which may be a secret.
 */
export class InvalidSettings extends Error {
  readonly code = 'config.invalid';
  override readonly name = 'InvalidSettings';

  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
  }
}
