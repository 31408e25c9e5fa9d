import { beforeAll, describe, expect, it } from '@jest/globals';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { anchorsOf, markdownPages, type Page, withoutCode } from './markdown.js';

const ROOT = new URL('../../', import.meta.url);
/** `[text](target)`, and `[name]: target`. */
const LINK = /\]\(([^)\s]+)\)|^\[[^\]^]+\]: +(\S+)$/gm;
/** A path in backticks that begins with a folder of the repository. */
const NAMED_FILE = /`((?:apps|libs|test|docs)\/[\w.@/-]+)`/g;

describe('the Markdown pages', () => {
  let pages: Page[];

  beforeAll(async () => {
    pages = await markdownPages();
  });

  it('every relative link leads to a file and a heading that exist', async () => {
    const links = pages.flatMap((page) => linksOf(page));
    expect(links.length).toBeGreaterThan(50);
    const broken = await Promise.all(links.map(async (link) => ((await resolves(link)) ? [] : [link.text])));
    expect(broken.flat()).toEqual([]);
  });

  it('every file of the repository that a page names exists', async () => {
    const named = pages
      // The changes of a release name files as they were then.
      .filter((page) => page.path !== 'CHANGELOG.md')
      .flatMap((page) => [...page.text.matchAll(NAMED_FILE)].map(([, file]) => ({ page, file: file! })));
    expect(named.length).toBeGreaterThan(50);
    const missing = await Promise.all(
      named.map(async ({ page, file }) => ((await exists(file)) ? [] : [`${page.path}: ${file}`])),
    );
    expect(missing.flat()).toEqual([]);
  });

  interface Link {
    /** As the failing test prints it. */
    text: string;
    target: string;
    anchor: string;
  }

  function linksOf(page: Page): Link[] {
    return [...withoutCode(page.text).matchAll(LINK)]
      .map(([, inline, reference]) => (inline ?? reference)!)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => {
        const [file = '', anchor = ''] = target.split('#', 2);
        const from = path.posix.dirname(page.path);
        return {
          text: `${page.path}: ${target}`,
          target: file === '' ? page.path : path.posix.join(from, file),
          anchor,
        };
      });
  }

  async function resolves({ target, anchor }: Link): Promise<boolean> {
    if (anchor === '') return exists(target);
    const page = pages.find((each) => each.path === target);
    return page !== undefined && anchorsOf(page.text).has(anchor);
  }
});

function exists(file: string): Promise<boolean> {
  return stat(new URL(file, ROOT)).then(
    () => true,
    () => false,
  );
}
