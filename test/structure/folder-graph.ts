/** The imports between folders, and the cycles among them. */

/** Paths from the top of the repository, with `/`. */
export interface Import {
  from: string;
  to: string;
}

export interface FolderCycle {
  /** The folder whose children form the cycle; `''` is the top of the repository. */
  parent: string;
  /** In the order of the cycle: each imports the next, the last imports the first. */
  links: FolderLink[];
}

export interface FolderLink {
  /** A sub-folder of the parent with everything below it, or `OWN_FILES`. */
  folder: string;
  /** All imports from this folder to the next one of the cycle. */
  imports: Import[];
}

/** The parent's own files, taken together. */
export const OWN_FILES = '.';

/** Children of one folder: the imports from each to each. */
type Graph = Map<string, Map<string, Import[]>>;

/**
 * The smallest cycles among the children of each folder: no part of one is a cycle itself. Breaking them can uncover
 * longer ones, so look again until there are none.
 */
export function folderCycles(imports: Import[]): FolderCycle[] {
  return [...graphs(imports)].sort(byName).flatMap(([parent, graph]) => cyclesIn(parent, graph));
}

/** One graph for each folder. An import counts in one of them: where the paths of its two files part. */
function graphs(imports: Import[]): Map<string, Graph> {
  const graphs = new Map<string, Graph>();
  for (const each of imports) {
    const from = each.from.split('/');
    const to = each.to.split('/');
    const [source, target] = [from.slice(0, -1), to.slice(0, -1)];
    const shared = source.findIndex((folder, depth) => folder !== target[depth]);
    const depth = shared === -1 ? source.length : shared;
    const [child, neighbour] = [source[depth] ?? OWN_FILES, target[depth] ?? OWN_FILES];
    if (child === neighbour) continue; // two own files of one folder
    const graph = entry(graphs, source.slice(0, depth).join('/'), () => new Map() as Graph);
    entry(
      entry(graph, child, () => new Map<string, Import[]>()),
      neighbour,
      () => [] as Import[],
    ).push(each);
  }
  return graphs;
}

function cyclesIn(parent: string, graph: Graph): FolderCycle[] {
  const found = new Map<string, FolderCycle>();
  for (const [from, neighbours] of [...graph].sort(byName)) {
    for (const to of [...neighbours.keys()].sort()) {
      const way = shortestWay(graph, to, from);
      if (!way) continue;
      const folders = firstNameFirst(way);
      const links = folders.map((folder, at) => ({
        folder,
        imports: graph.get(folder)!.get(folders[(at + 1) % folders.length]!)!,
      }));
      found.set(folders.join('/'), { parent, links });
    }
  }
  return smallest([...found.values()]);
}

/** Without cycles whose folders include all those of another one. */
function smallest(cycles: FolderCycle[]): FolderCycle[] {
  const includes = (larger: FolderCycle, smaller: FolderCycle): boolean =>
    smaller.links.every(({ folder }) => larger.links.some((link) => link.folder === folder));
  return cycles.filter(
    (cycle) => !cycles.some((other) => other.links.length < cycle.links.length && includes(cycle, other)),
  );
}

/** Breadth first; `undefined` where no imports lead from one to the other. */
function shortestWay(graph: Graph, from: string, to: string): string[] | undefined {
  const ways = new Map([[from, [from]]]); // a Map is walked in the order of arrival, new entries included
  for (const [folder, way] of ways) {
    if (folder === to) return way;
    for (const next of [...(graph.get(folder)?.keys() ?? [])].sort()) {
      if (!ways.has(next)) ways.set(next, [...way, next]);
    }
  }
  return undefined;
}

/** A cycle has no beginning; this one makes two findings of it equal. */
function firstNameFirst(cycle: string[]): string[] {
  const start = cycle.indexOf([...cycle].sort()[0]!);
  return [...cycle.slice(start), ...cycle.slice(0, start)];
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const made = make();
  map.set(key, made);
  return made;
}
