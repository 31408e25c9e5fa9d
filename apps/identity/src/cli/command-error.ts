/** A command was given something that it cannot use. The message is for the person at the terminal. */
export class CommandError extends Error {
  readonly code = 'config.command';
  override readonly name = 'CommandError';
}
