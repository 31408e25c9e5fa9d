/** A command was given something that it cannot use. The message is for the person at the terminal. */
export class CommandFault extends Error {
  readonly code = 'config.command';
  override readonly name = 'CommandFault';
}
