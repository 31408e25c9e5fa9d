import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const MAIN = 'apps/identity/src/main.ts';
const BUILDING = 'building …\n';

/** A checkout of its own: the real launcher, configuration and packages around an app of a few lines. */
class Checkout {
  private constructor(readonly root: string) {}

  static async create(): Promise<Checkout> {
    const checkout = new Checkout(await mkdtemp(path.join(tmpdir(), 'usher-launcher-')));
    for (const file of ['package.json', 'package-lock.json', '.swcrc', 'apps/identity/bin']) {
      await cp(path.join(REPOSITORY, file), path.join(checkout.root, file), { recursive: true });
    }
    await symlink(
      path.join(REPOSITORY, 'node_modules'),
      path.join(checkout.root, 'node_modules'),
      'junction',
    );
    await checkout.write('libs/config/src/index.ts', `export const greeting: string = 'hello';\n`);
    await checkout.greetsAt(MAIN);
    return checkout;
  }

  /** An app that prints the lib's greeting and its arguments. */
  async greetsAt(file: string): Promise<void> {
    await this.write(
      file,
      `import { greeting } from '#config';\nconsole.log(greeting, ...process.argv.slice(2));\n`,
    );
  }

  async write(file: string, content: string): Promise<void> {
    await mkdir(path.dirname(path.join(this.root, file)), { recursive: true });
    await writeFile(path.join(this.root, file), content);
  }

  async read(file: string): Promise<string> {
    return readFile(path.join(this.root, file), 'utf8');
  }

  async list(directory: string): Promise<string[]> {
    return (await readdir(path.join(this.root, directory))).sort();
  }

  /** @param ownGroup so that launcher and builder can be killed together, as a terminal or the kernel would */
  start(args: readonly string[], { ownGroup = false } = {}): Launch {
    const launcher = path.join(this.root, 'apps/identity/bin/usher.mjs');
    // Jest's own NODE_OPTIONS are not how users start it.
    const env = { ...process.env, NODE_OPTIONS: '' };
    return new Launch(spawn(process.execPath, [launcher, ...args], { env, detached: ownGroup }));
  }

  async run(...args: string[]): Promise<Outcome> {
    return this.start(args).outcome;
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

interface Outcome {
  /** `null`: ended by a signal. */
  code: number | null;
  stdout: string;
  stderr: string;
}

class Launch {
  readonly outcome: Promise<Outcome>;
  private stdout = '';
  private stderr = '';

  constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.outcome = once(child, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** Resolves when `text` has been printed; rejects if the process ends without printing it. */
  async says(stream: 'stdout' | 'stderr', text: string): Promise<void> {
    const ended = this.outcome.then(() => false);
    while (!this[stream].includes(text)) {
      const source = this.child[stream];
      const more = source ? once(source, 'data').then(() => true) : Promise.resolve(false);
      if (!(await Promise.race([more, ended])) && !this[stream].includes(text)) {
        throw new Error(`ended without saying ${JSON.stringify(text)}: ${this.stderr}`);
      }
    }
  }

  interrupt(): void {
    this.child.kill('SIGINT');
  }

  killGroup(): void {
    if (this.child.pid !== undefined) process.kill(-this.child.pid, 'SIGKILL');
  }
}

describe('the launcher', () => {
  let checkout: Checkout;

  beforeEach(async () => {
    checkout = await Checkout.create();
  });

  afterEach(async () => {
    await checkout.remove();
  });

  it('launcher builds once for four starts at once, and all of them run', async () => {
    const outcomes = await Promise.all([1, 2, 3, 4].map(async () => checkout.run('serve')));

    expect(outcomes.map(({ code, stdout }) => [code, stdout])).toEqual(Array(4).fill([0, 'hello\n']));
    expect(outcomes.map(({ stderr }) => stderr).join('')).toBe(BUILDING);
  });

  it('launcher leaves only the build, and finds it current the next time', async () => {
    expect(await checkout.run('build')).toEqual({ code: 0, stdout: '', stderr: BUILDING });
    expect(await checkout.list('dist')).toEqual(['.stamp', 'apps', 'assets', 'libs']);
    expect(await checkout.list('dist/assets')).toContain('redoc.standalone.js');

    expect(await checkout.run('serve')).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
  });

  it('launcher does not wait for a builder that was killed', async () => {
    do {
      await rm(path.join(checkout.root, 'dist'), { recursive: true, force: true });
      const killed = checkout.start(['build'], { ownGroup: true });
      await killed.says('stderr', BUILDING); // it has the lock, and has swapped nothing in yet
      killed.killGroup();
      await killed.outcome;
      // On a busy machine the build may finish before the kill arrives; then another one is killed.
    } while (!(await checkout.list('.')).includes('dist.lock'));

    const outcomes = await Promise.all([1, 2].map(async () => checkout.run('serve')));

    expect(outcomes.map(({ code, stdout }) => [code, stdout])).toEqual(Array(2).fill([0, 'hello\n']));
  });

  it('launcher removes the directory of a killed builder, but not a recent one', async () => {
    await checkout.write('dist.next-1/apps/main.js', '');
    await checkout.write('dist.next-2/apps/main.js', '');
    const anHourAgo = new Date(Date.now() - 3_600_000);
    await utimes(path.join(checkout.root, 'dist.next-1'), anHourAgo, anHourAgo);

    await checkout.run('build');

    expect((await checkout.list('.')).filter((name) => name.startsWith('dist'))).toEqual([
      'dist',
      'dist.next-2',
    ]);
  });

  it('launcher builds again when a builder was killed between its renames', async () => {
    await checkout.run('build');
    await rm(path.join(checkout.root, 'dist/.stamp'));
    await rm(path.join(checkout.root, 'dist/apps'), { recursive: true });

    expect(await checkout.run('serve')).toEqual({ code: 0, stdout: 'hello\n', stderr: BUILDING });
  });

  it('launcher builds again after a source is changed, added or removed, but not for a spec', async () => {
    await checkout.run('build');

    await checkout.write('libs/config/src/index.ts', `export const greeting: string = 'good evening';\n`);
    expect(await checkout.run('serve')).toEqual({ code: 0, stdout: 'good evening\n', stderr: BUILDING });

    await checkout.write('apps/identity/src/words/list.txt', 'one\n');
    expect(await checkout.run('serve')).toMatchObject({ stderr: BUILDING });
    expect(await checkout.read('dist/apps/identity/src/words/list.txt')).toBe('one\n');

    await rm(path.join(checkout.root, 'apps/identity/src/words'), { recursive: true });
    expect(await checkout.run('serve')).toMatchObject({ stderr: BUILDING });
    expect(await checkout.list('dist/apps/identity/src')).toEqual(['main.js', 'main.js.map']);

    await checkout.write('apps/identity/src/main.spec.ts', 'not even a program (');
    expect(await checkout.run('serve')).toMatchObject({ code: 0, stderr: '' });
  });

  it('launcher says where a source is broken, exits 1, and keeps the old build', async () => {
    await checkout.run('build');
    const [built, stamp] = [
      await checkout.read('dist/apps/identity/src/main.js'),
      await checkout.read('dist/.stamp'),
    ];
    const intact = await checkout.read(MAIN);
    await checkout.write(MAIN, 'export const = 1;\n');

    const { code, stdout, stderr } = await checkout.run('serve');

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(MAIN);
    expect(stderr).toContain('export const = 1;');
    expect(stderr).not.toMatch(/^\s+at /m); // a sentence, not a stack
    expect(await checkout.read('dist/apps/identity/src/main.js')).toBe(built);
    expect(await checkout.read('dist/.stamp')).toBe(stamp);

    await checkout.write(MAIN, intact);
    expect(await checkout.run('serve')).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
  });

  it('launcher runs the command line with its own arguments', async () => {
    await checkout.greetsAt('apps/identity/src/cli.ts');

    expect(await checkout.run('cli', 'create-admin', '--email', 'a@b.c')).toMatchObject({
      code: 0,
      stdout: 'hello create-admin --email a@b.c\n',
    });
  });

  it('launcher refuses an unknown command', async () => {
    const { code, stderr } = await checkout.run('swerve');

    expect(code).toBe(2);
    expect(stderr).toContain('serve');
  });

  it('launcher lets Ctrl-C reach the app itself', async () => {
    await checkout.write(
      MAIN,
      `process.once('SIGINT', () => { console.log('goodbye'); clearInterval(life); });
       const life = setInterval(() => {}, 1_000);
       console.log('listening');\n`,
    );

    for (const start of ['the first, which builds', 'a later one']) {
      const server = checkout.start(['serve']);
      await server.says('stdout', 'listening');
      server.interrupt();
      expect({ start, ...(await server.outcome) }).toMatchObject({
        start,
        code: 0,
        stdout: 'listening\ngoodbye\n',
      });
    }
  });

  it('launcher shows stack traces of the TypeScript', async () => {
    await checkout.write(
      MAIN,
      `interface Gone {\n  a: string;\n}\nexport const gone: Gone = (() => {\n  throw new Error('ouch');\n})();\n`,
    );

    expect((await checkout.run('serve')).stderr).toContain(`${path.join(checkout.root, MAIN)}:5:9`);
  });

  it('launcher runs an existing build where no compiler is installed', async () => {
    await checkout.run('build');
    await rm(path.join(checkout.root, 'node_modules'));
    await checkout.write(MAIN, 'export const changed = true;\n');

    expect(await checkout.run('serve')).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });

    await rm(path.join(checkout.root, 'dist'), { recursive: true });
    expect(await checkout.run('serve')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^usher: .*\n$/),
    });
  });
});
