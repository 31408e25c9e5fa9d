import { beforeAll, describe, expect, it } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';

const ROOT = new URL('../../', import.meta.url);

/** As much of a rule of dependency-cruiser as is compared here. */
interface Rule {
  name: string;
  to: { path?: string };
}

describe('docs/architecture.md', () => {
  let layout: string;
  let order: string;
  let rules: Rule[];

  beforeAll(async () => {
    const page = await readFile(new URL('docs/architecture.md', ROOT), 'utf8');
    layout = codeBlock(page, '## Layout');
    order = codeBlock(page, '## Import order');
    const { href } = new URL('.dependency-cruiser.mjs', ROOT);
    const { default: config } = (await import(href)) as { default: { forbidden: Rule[] } };
    rules = config.forbidden;
  });

  it('the layout in docs/architecture.md shows every folder of the app, of auth and of libs', async () => {
    for (const folder of ['apps/identity/src', 'apps/identity/src/auth', 'libs']) {
      const entries = await readdir(new URL(folder, ROOT), { withFileTypes: true });
      const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${name}/`);
      expect([folder, names.filter((name) => !layout.includes(` ${name}`))]).toEqual([folder, []]);
    }
  });

  it('the import order in docs/architecture.md is the one that npm run check:imports checks', () => {
    const chain = order.slice(order.indexOf('in apps/identity:\n') + 'in apps/identity:\n'.length);
    const below = rulesNamed(/^identity-(.+)-imports-down$/).map(({ name }) => name);
    expect(chain.split(/\s*->\s*/).slice(1)).toEqual(below);

    const checked = rulesNamed(/^lib-(.+)-imports-down$/).map(({ name, path }) => {
      const [, allowed = ''] = /\(\?!\((.*)\)\/\)/.exec(path) ?? [];
      return [name, allowed.split('|').filter((lib) => lib !== name)];
    });
    expect(Object.fromEntries(importsOfLibs())).toEqual(Object.fromEntries(checked));
  });

  /** The names in the rules whose name matches, in the order of the rules. */
  function rulesNamed(pattern: RegExp): { name: string; path: string }[] {
    return rules.flatMap((rule) => {
      const [, name] = pattern.exec(rule.name) ?? [];
      return name === undefined ? [] : [{ name, path: rule.to.path ?? '' }];
    });
  }

  /** `a, b -> c, d` says it of a and of b. */
  function importsOfLibs(): [string, string[]][] {
    return order
      .split('\n')
      .filter((line) => line.includes('->') && !/^(apps|cli| )/.test(line))
      .flatMap((line) => {
        const [libs = '', imports = ''] = line.split('->').map((side) => side.trim());
        const imported = imports === 'no lib' ? [] : imports.split(', ');
        return libs.split(', ').map((lib): [string, string[]] => [lib, imported]);
      });
  }
});

/** The first fenced block below a heading, without its fences. */
function codeBlock(page: string, heading: string): string {
  const [, block = ''] = /```\n([\s\S]*?)\n```/.exec(page.slice(page.indexOf(heading))) ?? [];
  return block;
}
