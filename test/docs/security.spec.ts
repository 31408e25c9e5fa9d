import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from '@swc/core';
import { readFile } from 'node:fs/promises';
import { cells } from './cells.js';

/** The number of requirements in each section of OWASP ASVS 5.0.0, for the chapters that the page covers. */
const ASVS: Readonly<Record<string, number>> = {
  ...{ '2.1': 3, '2.2': 3, '2.3': 5, '2.4': 2 },
  ...{ '4.1': 5, '4.2': 5, '4.3': 2, '4.4': 4 },
  ...{ '5.1': 1, '5.2': 6, '5.3': 3, '5.4': 3 },
  ...{ '6.1': 3, '6.2': 12, '6.3': 8, '6.4': 6, '6.5': 8, '6.6': 4, '6.7': 2, '6.8': 4 },
  ...{ '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 3, '7.6': 2 },
  ...{ '8.1': 4, '8.2': 4, '8.3': 3, '8.4': 2 },
  ...{ '9.1': 3, '9.2': 4 },
  ...{ '14.1': 2, '14.2': 8, '14.3': 3 },
  ...{ '16.1': 1, '16.2': 5, '16.3': 4, '16.4': 3, '16.5': 4 },
};
/** And section 3 of RFC 8725. */
const RFC_8725 = { '3': 12 };

const REQUIREMENT = /\b\d+\.\d+\.\d+\b/g;
const PRACTICE = /\b3\.\d+\b/g;
/** A file, or the name of a test in the file that was named last. */
const NAMED = /`([\w./-]+\.spec\.ts)`|"([^"]+)"/g;

describe('docs/security.md', () => {
  let document: string;

  beforeAll(async () => {
    document = await readFile(new URL('../../docs/security.md', import.meta.url), 'utf8');
  });

  it('docs/security.md has each requirement once, or says that it does not apply', () => {
    expect(coveredBy(/^## Chapter \d/, REQUIREMENT).sort(byNumber)).toEqual(numbersOf(ASVS));
    expect(coveredBy(/^## RFC 8725/, PRACTICE).sort(byNumber)).toEqual(numbersOf(RFC_8725));
  });

  it('docs/security.md says for each requirement what Usher does, and names a test or says why there is none', () => {
    const incomplete = lines().filter(
      (cells) =>
        cells.length !== 5 || cells.some((cell) => cell === '') || !/^(none: |`[\w./-]+`)/.test(cells[4]!),
    );
    expect(incomplete).toEqual([]);
    expect(document.split('\n').filter((line) => line.includes('TODO'))).toEqual([]);
  });

  it('docs/security.md names only tests that exist', async () => {
    const known = new Map<string, string[]>();
    const unknown: string[] = [];
    for (const [number, , , , tests] of lines()) {
      let file = '';
      for (const [, named, test] of tests!.matchAll(NAMED)) {
        file = named ?? file;
        if (!known.has(file)) known.set(file, await testsOf(file).catch(() => []));
        if (known.get(file)!.length === 0) unknown.push(`${number}: there is no ${file}`);
        else if (test !== undefined && matching(known.get(file)!, test) !== 1) {
          unknown.push(`${number}: ${file} has ${matching(known.get(file)!, test)} of "${test}"`);
        }
      }
    }
    expect(unknown).toEqual([]);
  });

  /** The cells of the rows of all tables of requirements. */
  function lines(): string[][] {
    return sections(/^## (Chapter \d|RFC 8725)/).flatMap(cells);
  }

  /** The numbers of the rows, and those in the paragraphs that begin with "Does not apply". */
  function coveredBy(heading: RegExp, number: RegExp): string[] {
    return sections(heading).flatMap((section) => {
      const left = section.split('\n\n').filter((paragraph) => paragraph.startsWith('Does not apply'));
      return [...cells(section).map(([first]) => first!), ...(left.join(' ').match(number) ?? [])];
    });
  }

  function sections(heading: RegExp): string[] {
    return document.split(/^(?=## )/m).filter((section) => heading.test(section));
  }
});

function numbersOf(sections: Readonly<Record<string, number>>): string[] {
  return Object.entries(sections)
    .flatMap(([section, count]) => Array.from({ length: count }, (_, i) => `${section}.${i + 1}`))
    .sort(byNumber);
}

function byNumber(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

/** How many tests have this name, with or without the titles of the blocks around them. */
function matching(tests: readonly string[], name: string): number {
  return tests.filter((test) => test === name || test.endsWith(` › ${name}`)).length;
}

/** The names of a file's tests: the titles as they stand there, placeholders included, from the outermost block inwards. */
async function testsOf(file: string): Promise<string[]> {
  const source = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
  const tests: string[] = [];
  const visit = (node: unknown, blocks: readonly string[]): void => {
    if (typeof node !== 'object' || node === null) return;
    const [word, title] = titled(node);
    const path = title === undefined ? blocks : [...blocks, title];
    if (word === 'it' && title !== undefined) tests.push(path.join(' › '));
    for (const child of Object.values(node)) visit(child, path);
  };
  visit(await parse(source, { syntax: 'typescript', decorators: true }), []);
  return tests;
}

interface Call {
  type?: string;
  /** `it`, or `it.each(…)`. */
  callee?: Call & { value?: string; object?: Call['callee'] };
  arguments?: { expression: { type: string; value?: string; quasis?: { cooked: string }[] } }[];
}

/** `it` or `describe`, and the title that is given to it; of a title that is made of parts, `…` for what is filled in. */
function titled(node: Call): [word?: string, title?: string] {
  if (node.type !== 'CallExpression') return [];
  const { callee } = node;
  const each = callee?.type === 'CallExpression' ? callee.callee?.object : undefined;
  const word = (each ?? callee)?.value;
  const title = node.arguments?.[0]?.expression;
  if ((word !== 'it' && word !== 'describe') || title === undefined) return [];
  if (title.type === 'StringLiteral') return [word, title.value];
  return [word, title.quasis?.map(({ cooked }) => cooked).join('…')];
}
