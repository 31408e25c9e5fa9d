/** More than any user needs, written as wastefully as JSON allows. */
export const MAX_LINE_BYTES = 65_536;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its end; `undefined` when it is longer than a line may be. */
  readonly bytes: Buffer | undefined;
}

/**
 * The lines of a file of any size, one in memory at a time. Lines end with LF or CRLF, as those of NDJSON do (Node's
 * readline takes other characters for ends as well, which may stand in JSON).
 */
export async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let number = 1;
  let parts: Buffer[] = [];
  let size = 0;
  const line = (): Line => ({ number, bytes: size > MAX_LINE_BYTES ? undefined : Buffer.concat(parts) });

  for await (const chunk of source) {
    for (let start = 0; ;) {
      const end = chunk.indexOf('\n', start);
      const part = chunk.subarray(start, end < 0 ? undefined : end);
      size += part.length;
      if (size <= MAX_LINE_BYTES) parts.push(part);
      else parts = [];
      if (end < 0) break;
      yield line();
      [number, parts, size, start] = [number + 1, [], 0, end + 1];
    }
  }
  if (size > 0) yield line();
}
