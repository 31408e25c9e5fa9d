import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { folderCycles, type Import } from './folder-graph.js';

describe('folderCycles', () => {
  it('finds two folders that import each other', () => {
    expect(found('a/one.ts -> b/one.ts', 'b/two.ts -> a/two.ts')).toEqual([': a -> b']);
  });

  it('finds a cycle of three folders', () => {
    expect(found('b/one.ts -> c/one.ts', 'c/one.ts -> a/one.ts', 'a/two.ts -> b/two.ts')).toEqual([
      ': a -> b -> c',
    ]);
  });

  it('finds a folder that imports the own files of its parent, which import it', () => {
    expect(found('a/index.ts -> a/x/one.ts', 'a/x/two.ts -> a/own.ts')).toEqual(['a: . -> x']);
  });

  it("counts a file two folders down as part of the parent's child", () => {
    expect(found('a/index.ts -> a/x/y/one.ts', 'a/x/y/one.ts -> a/own.ts')).toEqual(['a: . -> x']);
  });

  it('finds a cycle of two folders whose sub-folders form none', () => {
    expect(found('a/x/one.ts -> b/y/one.ts', 'b/z/one.ts -> a/w/one.ts')).toEqual([': a -> b']);
  });

  it('finds a cycle at the bottom of the tree and names its parent', () => {
    expect(found('p/q/a/one.ts -> p/q/b/one.ts', 'p/q/b/one.ts -> p/q/a/two.ts')).toEqual(['p/q: a -> b']);
  });

  it('finds the cycles of separate parents separately', () => {
    expect(
      found(
        'p/a/one.ts -> p/b/one.ts',
        'p/b/one.ts -> p/a/one.ts',
        'q/a/one.ts -> q/b/one.ts',
        'q/b/one.ts -> q/a/one.ts',
      ),
    ).toEqual(['p: a -> b', 'q: a -> b']);
  });

  it('leaves out a cycle around a smaller one', () => {
    const smaller = ['a/one.ts -> b/one.ts', 'b/one.ts -> a/one.ts'];
    const longer = ['b/one.ts -> c/one.ts', 'c/one.ts -> a/one.ts'];
    expect(found(...smaller, ...longer)).toEqual([': a -> b']);
  });

  it('gives every import of each link', () => {
    const [cycle] = folderCycles(
      imports('a/one.ts -> b/one.ts', 'a/two.ts -> b/two.ts', 'b/three.ts -> a/three.ts'),
    );
    expect(cycle!.links).toEqual([
      { folder: 'a', imports: imports('a/one.ts -> b/one.ts', 'a/two.ts -> b/two.ts') },
      { folder: 'b', imports: imports('b/three.ts -> a/three.ts') },
    ]);
  });

  it('passes folders that import in one direction', () => {
    expect(
      found(
        'a/index.ts -> a/x/one.ts',
        'a/x/one.ts -> b/y/one.ts',
        'a/z/one.ts -> b/one.ts',
        'a/x/one.ts -> c/one.ts',
        'b/y/one.ts -> c/one.ts',
      ),
    ).toEqual([]);
  });

  it('passes files of one folder that import each other', () => {
    expect(found('a/one.ts -> a/two.ts', 'a/two.ts -> a/one.ts')).toEqual([]);
  });

  it('finds a cycle exactly where the folders have no order', () => {
    const folder = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const links = fc.uniqueArray(fc.tuple(folder, folder), { maxLength: 12, selector: String });
    fc.assert(
      fc.property(links, (pairs) => {
        const files = pairs.map(([from, to]) => ({ from: `${from}/one.ts`, to: `${to}/one.ts` }));
        expect(folderCycles(files).length > 0).toBe(!haveAnOrder(pairs.filter(([from, to]) => from !== to)));
      }),
    );
  });
});

function imports(...lines: string[]): Import[] {
  return lines.map((line) => {
    const [from, to] = line.split(' -> ');
    return { from: from!, to: to! };
  });
}

/** `parent: folder -> folder`. */
function found(...lines: string[]): string[] {
  return folderCycles(imports(...lines)).map(
    ({ parent, links }) => `${parent}: ${links.map(({ folder }) => folder).join(' -> ')}`,
  );
}

/** Takes away the folders that nothing imports until none is left, or all that are left are imported. */
function haveAnOrder(links: [string, string][]): boolean {
  const rest = links.filter(([from]) => links.some(([, to]) => to === from));
  return rest.length === 0 || (rest.length < links.length && haveAnOrder(rest));
}
