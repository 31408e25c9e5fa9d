import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rename, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseDockerfile, type Stage, type Step } from './dockerfile.js';

const REPOSITORY = path.resolve(import.meta.dirname, '../../..');

/** The stage that compiles: its packages are those that this test runs with, and are not installed once more. */
const COMPILES = 'build';

/** An image without an engine: every stage is a directory, and its instructions are carried out there. */
export interface Image {
  /** Where `/` of the image is here. */
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string | undefined;
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
  /** What each FROM names. */
  readonly bases: readonly string[];
}

/**
 * Builds the repository's Dockerfile below `directory`, from what .dockerignore lets through.
 *
 * @throws Error for an instruction that can't be carried out here, rather than leaving it out
 */
export async function buildImage(directory: string): Promise<Image> {
  const stages = parseDockerfile(await readFile(path.join(REPOSITORY, 'Dockerfile'), 'utf8'));
  for (const stage of stages) await buildStage(stage, directory);
  const last = stages.at(-1)!;
  const steps = <K extends Step['kind']>(kind: K): Extract<Step, { kind: K }>[] =>
    last.steps.filter((step): step is Extract<Step, { kind: K }> => step.kind === kind);
  const root = rootOf(last.name, directory);
  return {
    root,
    workdir: path.join(root, workdirOf(last)),
    env: Object.assign({}, ...steps('env').map(({ values }) => values)) as Record<string, string>,
    user: steps('user').at(-1)?.value,
    command: steps('cmd').at(-1)?.words ?? [],
    healthcheck: steps('healthcheck').at(-1)?.words ?? [],
    bases: stages.map(({ image }) => image),
  };
}

async function buildStage(stage: Stage, directory: string): Promise<void> {
  const root = rootOf(stage.name, directory);
  const workdir = path.join(root, workdirOf(stage));
  await mkdir(workdir, { recursive: true });
  for (const step of stage.steps) {
    if (step.kind === 'copy') await copy(step, workdir, directory);
    if (step.kind === 'run') await run(step.command, stage, root, workdir);
  }
}

async function copy(
  { from, sources, target }: Extract<Step, { kind: 'copy' }>,
  workdir: string,
  directory: string,
): Promise<void> {
  for (const source of sources) {
    if (from === undefined) {
      await copyContext(source, path.resolve(workdir, target));
    } else {
      // Moved, as nothing else needs it: copying takes seconds.
      await rename(path.join(rootOf(from, directory), source), path.resolve(workdir, target));
    }
  }
}

/** What .dockerignore lets through: all is left out but what a line with `!` names, without the specs. */
async function copyContext(source: string, target: string): Promise<void> {
  const lines = (await readFile(path.join(REPOSITORY, '.dockerignore'), 'utf8'))
    .split('\n')
    .filter((line) => /^[^#]/.test(line));
  const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const other = lines.filter((line) => !line.startsWith('!') && !['*', '**/*.spec.ts'].includes(line));
  if (lines[0] !== '*' || other.length > 0)
    throw new Error(`Teach this reader of .dockerignore: ${other.join()}`);
  const passes = allowed.map(
    (name) => new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`),
  );
  for (const name of await readdir(REPOSITORY)) {
    if (!passes.some((pass) => pass.test(name))) continue;
    if (source !== '.' && source !== name) continue;
    const filter = (file: string): boolean => !file.endsWith('.spec.ts');
    await cp(path.join(REPOSITORY, name), path.join(target, name), { recursive: true, filter });
  }
}

async function run(command: string, stage: Stage, root: string, workdir: string): Promise<void> {
  const made = /^install -d (?:-[og] \w+ )*-m (\d+) (\/\S+)$/.exec(command);
  if (made) {
    await mkdir(path.join(root, made[2]!), { recursive: true, mode: parseInt(made[1]!, 8) });
  } else if (stage.name === COMPILES && /^npm ci( --no-audit| --no-fund)*$/.test(command)) {
    await symlink(path.join(REPOSITORY, 'node_modules'), path.join(workdir, 'node_modules'), 'junction');
  } else if (/^npm [\w -=]+$/.test(command)) {
    const { NODE_OPTIONS: _jests, NODE_ENV: _too, ...env } = process.env;
    await promisify(execFile)('sh', ['-c', command], {
      cwd: workdir,
      env: { ...env, npm_config_prefer_offline: 'true' },
    });
  } else {
    throw new Error(`Teach this builder of images: RUN ${command}`);
  }
}

function workdirOf({ steps }: Stage): string {
  const workdir = steps.find((step) => step.kind === 'workdir');
  if (workdir?.kind !== 'workdir') throw new Error('A stage has no WORKDIR');
  return workdir.value;
}

function rootOf(stage: string, directory: string): string {
  return path.join(directory, stage === '' ? 'image' : stage);
}
