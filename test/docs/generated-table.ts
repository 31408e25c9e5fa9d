/** Tables that test/docs/write-tables.ts writes stand between these lines; prettier would align their columns. */
const begin = (name: string): string => `<!-- ${name}: written by test/docs/write-tables.ts -->`;
const end = (name: string): string => `<!-- /${name} -->`;

/** The page with another table of this name. Unaligned, so that a new row changes one line. */
export function withTable(page: string, name: string, head: string[], rows: string[][]): string {
  const [before, rest] = halves(page, begin(name));
  const [, after] = halves(rest, end(name));
  const table = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const unformatted = ['<!-- prettier-ignore-start -->', table.join('\n'), '<!-- prettier-ignore-end -->'];
  return [`${before}${begin(name)}`, ...unformatted, `${end(name)}${after}`].join('\n\n');
}

function halves(text: string, marker: string): [before: string, after: string] {
  const at = text.indexOf(marker);
  if (at === -1) throw new Error(`The page has no line ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}
