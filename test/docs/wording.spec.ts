import { beforeAll, describe, expect, it } from '@jest/globals';
import { markdownPages, type Page, withoutCode } from './markdown.js';

const MOST_README_LINES = 200;
const UNIDIOMATIC =
  /\b(whoever|whatever|somebody|nobody|nobody's|thereof|but for|the house|the room)\b|\b(cache|entry|answer)s? (lie|lies)\b/i;
const TYPOGRAPHIC_QUOTES = /[\u00ab\u00bb\u2018\u2019\u201c\u201d]/;
/** Titles of tests, and code. */
const QUOTED = /"[^"\n]*"|`[^`\n]*`/g;
/** Taken from the settings and error codes, whose words are in the code. */
const GENERATED = /<!-- (settings|errors): [\s\S]*?<!-- \/\1 -->/g;

describe('the documentation', () => {
  let pages: Page[];

  beforeAll(async () => {
    pages = await markdownPages();
  });

  it('the README has at most 200 lines', () => {
    const readme = pages.find(({ path }) => path === 'README.md')!;
    expect(readme.text.trimEnd().split('\n').length).toBeLessThanOrEqual(MOST_README_LINES);
  });

  it('every page uses the words of the field, and straight quotes', () => {
    const found = pages.flatMap(({ path, text }) =>
      withoutCode(text.replace(GENERATED, ''))
        .replace(QUOTED, '')
        .split('\n')
        .filter((line) => UNIDIOMATIC.test(line) || TYPOGRAPHIC_QUOTES.test(line))
        .map((line) => `${path}: ${line}`),
    );
    expect(found).toEqual([]);
  });
});
