/** One builder at a time in a checkout, and none for ever: a lock whose holder was killed goes stale. */
import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import lockfile from 'proper-lockfile';

/** A holder touches its lock at half this age; one that was killed blocks the others for about this long. */
const STALE_MS = 5_000;
const WAIT_MS = 120_000;
const STEP_MS = 100;

export class BuildLock {
  #owner;
  #token = randomUUID();
  #release;

  /**
   * @param {string} owner the file that names the holder
   * @param {() => Promise<void>} release
   */
  constructor(owner, release) {
    this.#owner = owner;
    this.#release = release;
  }

  /** @param {string} directory */
  static async take(directory) {
    const release = await lockfile
      .lock(directory, {
        lockfilePath: path.join(directory, '.lock'),
        stale: STALE_MS,
        retries: { retries: WAIT_MS / STEP_MS, factor: 1, minTimeout: STEP_MS, maxTimeout: STEP_MS },
        // `isOurs` finds out, when it matters.
        onCompromised: () => {},
      })
      .catch((error) => {
        if (error.code !== 'ELOCKED') throw error;
        throw new Error(`usher: somebody has been building here for ${WAIT_MS / 1000} s.`, { cause: error });
      });
    const lock = new BuildLock(path.join(directory, '.owner'), release);
    await writeFile(lock.#owner, lock.#token);
    return lock;
  }

  /**
   * `false` once somebody else holds it: we slept past its age, as a laptop does, or two took the same stale
   * lock at once, which a lock made of a directory and its age can't rule out. The last to sign has it.
   */
  async isOurs() {
    return (await readFile(this.#owner, 'utf8').catch(() => '')) === this.#token;
  }

  async release() {
    if (!(await this.isOurs())) return; // the lock of another is not ours to take away
    await rm(this.#owner, { force: true });
    await this.#release().catch(() => {}); // it may have gone stale unnoticed: nothing to release then
  }
}
