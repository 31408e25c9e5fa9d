import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { linesOf, MAX_LINE_BYTES } from './user-import.js';

/** The lines of a file that is read in these chunks; `null` for a line that is too long. */
async function read(...chunks: string[]): Promise<[number: number, text: string | null][]> {
  const lines: [number, string | null][] = [];
  for await (const { number, bytes } of linesOf(Readable.from(chunks.map((chunk) => Buffer.from(chunk))))) {
    lines.push([number, bytes ? bytes.toString() : null]);
  }
  return lines;
}

describe('linesOf', () => {
  it('linesOf joins lines that span chunks, and splits chunks into lines', async () => {
    expect(await read('on', 'e\ntw', 'o\nthree\nfo', 'ur')).toEqual([
      [1, 'one'],
      [2, 'two'],
      [3, 'three'],
      [4, 'four'],
    ]);
  });

  it('linesOf counts empty lines, and ends with the last line end', async () => {
    expect(await read('one\n\nthree\n')).toEqual([
      [1, 'one'],
      [2, ''],
      [3, 'three'],
    ]);
    expect(await read()).toEqual([]);
  });

  it('linesOf splits at LF only, not at other characters that JSON may contain', async () => {
    expect(await read('{"a":"\u2028\u0085"}\r\nnext')).toEqual([
      [1, '{"a":"\u2028\u0085"}\r'],
      [2, 'next'],
    ]);
  });

  it('linesOf reports a line that is too long by its number, and reads on', async () => {
    const longest = 'x'.repeat(MAX_LINE_BYTES);
    expect(await read(longest, '\n', longest, 'x\nthree\n', `${longest}x`)).toEqual([
      [1, longest],
      [2, null],
      [3, 'three'],
      [4, null],
    ]);
  });
});
