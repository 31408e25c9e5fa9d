import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generatePem, KeyDirectory } from './key-directory.js';
import { type KeyRing } from './key-ring.js';
import { rotate, type RotationStep } from './key-rotation.js';
import { MAX_TOKEN_LIFE_MS, SPREAD_WITHIN_MS } from './rotation-times.js';
import { keyFromPem } from './signing-key.js';

const LIFE = 900_000;

let path: string;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'usher-rotation-'));
});
afterEach(() => rm(path, { recursive: true }));

const rotateKey = (now = false): Promise<RotationStep> => rotate(new KeyDirectory(path), now);

const files = async (pattern: RegExp): Promise<string[]> =>
  (await readdir(path)).filter((name) => pattern.test(name)).sort();

/** The key ids that a new instance reads. */
async function ring(nowMs = Date.now()): Promise<{ current: string; next: string[]; previous: string[] }> {
  const seen: KeyRing = (await new KeyDirectory(path).load({ nowMs, tokenLifeMs: LIFE })).ring;
  return {
    current: seen.current.kid,
    next: seen.next.map(({ key }) => key.kid),
    previous: seen.previous.map(({ kid }) => kid),
  };
}

/** Dates every file in the directory back by `ms`. */
async function timePasses(ms: number): Promise<void> {
  for (const name of await readdir(path)) {
    const file = join(path, name);
    const then = ((await stat(file)).mtimeMs - ms) / 1000;
    if (name.endsWith('.json')) {
      const earlier = (_: string, at: string): string => new Date(Date.parse(at) - ms).toISOString();
      await writeFile(
        file,
        (await readFile(file, 'utf8')).replace(/(?<=replaced_at": ")([^"]+)/g, (at) => earlier('', at)),
      );
    }
    await utimes(file, then, then);
  }
}

/** A directory whose process is killed before (odd moments) or after (even moments) a change to a file. */
function dyingAt(moment: number): KeyDirectory {
  const directory = new KeyDirectory(path);
  let moments = 0;
  const live = (): void => {
    if (++moments === moment) throw new Error('killed');
  };
  const mortal = (name: 'appear' | 'remove' | 'link'): void => {
    const act = directory.files[name].bind(directory.files) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(directory.files, {
      [name]: async (...args: unknown[]) => {
        live();
        const result = await act(...args);
        live();
        return result;
      },
    });
  };
  (['appear', 'remove', 'link'] as const).forEach(mortal);
  return directory;
}

describe('key rotation', () => {
  it('key rotation publishes a next key first, which signs once every instance has had time to read it', async () => {
    const { current } = await ring();
    const published = await rotateKey();
    const { next } = await ring();
    expect(published).toEqual({ kind: 'published', current, next: next[0] });
    expect(await ring()).toEqual({ current, next: [expect.any(String)], previous: [] });

    await timePasses(SPREAD_WITHIN_MS - 10_000);
    const early = await rotateKey();
    expect(early).toMatchObject({ kind: 'too early', next: next[0] });
    expect((early as { waitMs: number }).waitMs).toBeLessThanOrEqual(10_000);
    expect((await ring()).current).toBe(current);

    await timePasses(10_000);
    const rotated = await rotateKey();
    expect(rotated).toEqual({
      kind: 'rotated',
      current: next[0],
      previous: current,
      next: expect.any(String),
    });
    expect(await ring()).toEqual({
      current: next[0],
      next: [(rotated as { next: string }).next],
      previous: [current],
    });
  });

  it('key rotation creates the first key where there is none', async () => {
    const step = await rotateKey();
    expect(step).toMatchObject({ kind: 'published', current: (await ring()).current });
    expect(await files(/\.pem$/)).toHaveLength(2);
  });

  it('key rotation needs one call each time after the first', async () => {
    await rotateKey();
    for (let month = 0; month < 4; month++) {
      const [next] = (await ring()).next;
      await timePasses(30 * 86_400_000);
      expect(await rotateKey()).toMatchObject({ kind: 'rotated', current: next });
    }
    expect(await files(/\.pem$/)).toHaveLength(3); // current, next, previous
    expect(await files(/\.json$/)).toHaveLength(2);
    expect(await files(/\.tmp$/)).toEqual([]);
  });

  it('key rotation does not wait when told so, with or without a next key', async () => {
    const { current } = await ring();
    const step = await rotateKey(true);
    expect(step).toMatchObject({ kind: 'rotated', previous: current });
    const [next] = (await ring()).next;
    expect(await rotateKey(true)).toMatchObject({ kind: 'rotated', current: next });
    expect((await ring()).previous).toContain(current);
  });

  it('key rotation keeps a previous key until no token can need it, then removes its file', async () => {
    const { current } = await ring();
    await rotateKey(true);
    await timePasses(LIFE + SPREAD_WITHIN_MS - 5_000);
    expect((await ring()).previous).toEqual([current]);
    await timePasses(5_000);
    expect((await ring()).previous).toEqual([]);
    await rotateKey(true);
    expect(await files(/\.pem$/)).toContain(`${current}.pem`); // an instance may issue tokens with a longer life

    await timePasses(MAX_TOKEN_LIFE_MS);
    await rotateKey(true);
    expect(await files(/\.pem$/)).not.toContain(`${current}.pem`);
    expect(await ring()).toMatchObject({ next: [expect.any(String)], previous: [expect.any(String)] });
  });

  it('key rotation takes over a directory of keys placed by hand', async () => {
    const pems = [generatePem(), generatePem()];
    const [older, newer] = pems.map((pem) => keyFromPem(pem).kid);
    await writeFile(join(path, 'a.pem'), pems[0]!);
    await writeFile(join(path, 'b.pem'), pems[1]!);
    await utimes(join(path, 'a.pem'), 1_000, 1_000);
    await utimes(join(path, 'b.pem'), 2_000, 2_000);
    const step = await rotateKey();
    expect(step).toMatchObject({ kind: 'published', current: newer });
    expect(await ring()).toMatchObject({ current: newer, next: [expect.any(String)], previous: [older] });
  });

  it('key rotation makes a key added by hand the next one', async () => {
    await ring();
    const pem = generatePem();
    await writeFile(join(path, 'ours.pem'), pem);
    expect(await rotateKey()).toMatchObject({ kind: 'too early', next: keyFromPem(pem).kid });
    expect(await rotateKey(true)).toMatchObject({ kind: 'rotated', current: keyFromPem(pem).kid });
  });

  it.each([
    ['without a next key', false],
    ['with a next key', true],
  ])('key rotation makes one step for many calls at once, %s', async (_, prepared) => {
    for (let round = 0; round < 5; round++) {
      await rm(path, { recursive: true });
      const { current } = await ring();
      if (prepared) {
        await rotateKey();
        await timePasses(SPREAD_WITHIN_MS);
      }
      const steps = await Promise.all(Array.from({ length: 8 }, () => rotateKey()));
      const made = steps.filter(({ kind }) => kind === 'published' || kind === 'rotated');
      expect(made).toHaveLength(1);
      const { next, previous } = await ring();
      expect(next).toHaveLength(1);
      expect(previous).toEqual(prepared ? [current] : []);
    }
  });

  it('key rotation leaves a usable directory wherever it is killed, and the next call continues', async () => {
    for (let dieAt = 1, died = true; died; dieAt++) {
      await rm(path, { recursive: true });
      const { current } = await ring();
      await rotateKey();
      const [next] = (await ring()).next;
      await timePasses(MAX_TOKEN_LIFE_MS + 2 * SPREAD_WITHIN_MS);

      died = await rotate(dyingAt(dieAt), false).then(
        () => false,
        () => true,
      );
      const left = await ring();
      expect([current, next]).toContain(left.current);
      expect([left.current, ...left.next, ...left.previous]).toEqual(expect.arrayContaining([current, next]));
      if (!died) expect(dieAt).toBeGreaterThan(6); // else no call was killed

      await timePasses(SPREAD_WITHIN_MS + 1_000);
      const step = await rotateKey();
      expect(step.kind).toMatch(/^(published|rotated)$/);
      expect((await ring()).next).toHaveLength(1);
    }
  });

  it('key rotation recovers from a call killed between taking its number and writing the next key', async () => {
    const { current } = await ring();
    await rotateKey();
    const [next] = (await ring()).next;
    await rm(join(path, `${next}.pem`));
    await writeFile(join(path, '.00000000-0000-4000-8000-000000000000.tmp'), 'half a k');
    expect(await rotateKey()).toEqual({ kind: 'overtaken' }); // the other call may still be writing
    await timePasses(SPREAD_WITHIN_MS + 1_000);
    expect(await rotateKey()).toMatchObject({ kind: 'published', current });
    expect(await files(/\.tmp$/)).toEqual([]);
  });

  it('key rotation names the unusable file, and changes nothing', async () => {
    await rotateKey();
    const before = await readdir(path);
    await writeFile(join(path, 'broken.pem'), 'half a k');
    await expect(rotateKey(true)).rejects.toMatchObject({ code: 'auth.key_file_unusable' });
    await rm(join(path, 'broken.pem'));
    await writeFile(join(path, 'rotation-7.json'), '{}');
    await expect(rotateKey(true)).rejects.toMatchObject({
      code: 'auth.key_state_unusable',
      message: `The state of the signing keys ${join(path, 'rotation-7.json')} cannot be used: it is not what rotate-key writes.`,
    });
    await rm(join(path, 'rotation-7.json'));
    expect((await readdir(path)).sort()).toEqual(before.sort());
  });

  it('key rotation leaves files that only their owner can read, and a readable state', async () => {
    await rotateKey(true);
    for (const name of await readdir(path)) expect((await stat(join(path, name))).mode & 0o777).toBe(0o600);
    const { current, next, previous } = await ring();
    expect(JSON.parse(await readFile(join(path, 'rotation-1.json'), 'utf8'))).toEqual({
      current,
      next: next[0],
      previous: [{ kid: previous[0], replaced_at: expect.stringMatching(/^\d{4}-.*Z$/) }],
    });
  });
});
