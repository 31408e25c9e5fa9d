/**
 * The texts of the statements in what clients sent to PostgreSQL, as a `TcpProxy` records it: of each Parse and each
 * simple Query message. Reads on where a connection was in the middle of things, because it looks for messages that
 * are whole.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export function statementsIn(bytes: Buffer): string[] {
  const statements: string[] = [];
  for (let at = 0; at + 5 <= bytes.length;) {
    const type = String.fromCharCode(bytes[at]!);
    const length = bytes.readInt32BE(at + 1);
    // A start-up message has no type; its length comes first and begins with a zero.
    const size = bytes[at] === 0 ? bytes.readInt32BE(at) : 1 + length;
    if (size < 5 || at + size > bytes.length)
      throw new Error('The recording is no whole stream of messages.');
    const text = bytes.subarray(at + 5, at + size);
    if (type === 'Q') statements.push(text.toString('utf8', 0, text.length - 1));
    if (type === 'P') statements.push(afterName(text));
    at += size;
  }
  return statements;
}

/** A Parse message: the name of the prepared statement, its text, the types of its parameters. */
function afterName(text: Buffer): string {
  const start = text.indexOf(0) + 1;
  return text.toString('utf8', start, text.indexOf(0, start));
}
