import { readdir, readFile } from 'node:fs/promises';

export interface Page {
  /** From the top of the repository. */
  path: string;
  text: string;
}

const ROOT = new URL('../../', import.meta.url);

/** The pages at the top of the repository, and those below docs/. */
export async function markdownPages(): Promise<Page[]> {
  const [top, docs] = await Promise.all([
    readdir(ROOT),
    readdir(new URL('docs/', ROOT), { recursive: true }),
  ]);
  const paths = [...top, ...docs.map((name) => `docs/${name}`)].filter((name) => name.endsWith('.md'));
  return Promise.all(
    paths.sort().map(async (path) => ({ path, text: await readFile(new URL(path, ROOT), 'utf8') })),
  );
}

/** The anchors that GitHub gives to the headings of a page. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutCode(text).matchAll(/^#{1,6} +(.+)$/gm)) {
    const slug = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The text without fenced blocks, whose lines look like headings and links. */
export function withoutCode(text: string): string {
  return text.replace(/^( *)```[\s\S]*?^\1```$/gm, '');
}
