import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, isAbsolute, resolve } from 'node:path';
import { installByApt } from '../process/apt.js';

const PROGRAMS = [
  'chromium',
  'chromium-browser', // on Ubuntu perhaps only a script that asks for a snap; that one fails
  'google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * The Chromium of this machine; else apt-get installs it.
 *
 * @throws Error with one sentence that says what to install
 */
export async function ensureChromium(): Promise<string> {
  return (
    findChromium() ??
    installByApt({
      package: 'chromium',
      find: findChromium,
      advice:
        'The browser tests need Chromium: install it (`apt-get install chromium`, `brew install --cask chromium`) so that it is on the PATH',
    })
  );
}

/** Its absolute path, which Playwright wants. */
function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute);
  return PROGRAMS.flatMap((program) => folders.map((folder) => resolve(folder, program))).find((program) => {
    if (!existsSync(program)) return false;
    const answer = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: 20_000 });
    return answer.status === 0 && /^(Chromium|Google Chrome) \d/.test(answer.stdout);
  });
}
