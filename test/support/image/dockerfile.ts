/** A Dockerfile's own words, as far as ours uses them. */
export interface Stage {
  readonly name: string;
  readonly image: string;
  readonly steps: readonly Step[];
}

export type Step =
  | { kind: 'copy'; from: string | undefined; sources: readonly string[]; target: string }
  | { kind: 'run'; command: string }
  | { kind: 'workdir'; value: string }
  | { kind: 'user'; value: string }
  | { kind: 'volume'; value: string }
  | { kind: 'expose'; value: string }
  | { kind: 'env'; values: Readonly<Record<string, string>> }
  | { kind: 'cmd'; words: readonly string[] }
  | { kind: 'healthcheck'; words: readonly string[] };

/** @throws Error for an instruction that it does not know, rather than leaving it out */
export function parseDockerfile(text: string): Stage[] {
  const stages: { name: string; image: string; steps: Step[] }[] = [];
  for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, instruction = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (instruction === 'FROM') {
      const [image = '', , name = ''] = rest.split(/\s+/);
      stages.push({ name, image, steps: [] });
    } else {
      const stage = stages.at(-1);
      if (!stage) throw new Error(`Before any FROM: ${line}`);
      stage.steps.push(stepOf(instruction, rest, line));
    }
  }
  return stages;
}

function stepOf(instruction: string, rest: string, line: string): Step {
  switch (instruction) {
    case 'COPY': {
      const [, from, list = ''] = /^(?:--from=(\S+)\s+)?([^-].*)$/.exec(rest) ?? [];
      const paths = list.split(/\s+/);
      if (paths.length < 2) break;
      return { kind: 'copy', from, sources: paths.slice(0, -1), target: paths.at(-1)! };
    }
    case 'RUN':
      return { kind: 'run', command: rest };
    case 'ENV':
      return {
        kind: 'env',
        values: Object.fromEntries([...rest.matchAll(/(\w+)=(\S*)/g)].map(([, k, v]) => [k!, v!])),
      };
    case 'CMD':
      return { kind: 'cmd', words: JSON.parse(rest) as string[] };
    case 'HEALTHCHECK':
      return { kind: 'healthcheck', words: JSON.parse(rest.slice(rest.indexOf('['))) as string[] };
    case 'WORKDIR':
    case 'USER':
    case 'VOLUME':
    case 'EXPOSE':
      return { kind: instruction.toLowerCase() as 'workdir' | 'user' | 'volume' | 'expose', value: rest };
  }
  throw new Error(`Teach this reader of Dockerfiles: ${line}`);
}
