import { type DirectoryContents, generatePem, type KeyDirectory } from './key-directory.js';
import { type PublishedKey } from './key-ring.js';
import { type PreviousKey, type RotationState, stateFileName, writeRotationState } from './rotation-state.js';
import { MAX_TOKEN_LIFE_MS, SPREAD_WITHIN_MS } from './rotation-times.js';
import { keyFromPem } from './signing-key.js';

/** The result of a call, with key ids. */
export type RotationStep =
  /** There was no next key; now there is. Nothing else changed. */
  | { kind: 'published'; current: string; next: string }
  | { kind: 'rotated'; current: string; previous: string; next: string }
  /** Nothing changed: the next key is too new. */
  | { kind: 'too early'; next: string; waitMs: number }
  /** Nothing changed: another process was making a step. */
  | { kind: 'overtaken' };

/**
 * Makes one step: the next key signs, the one that signed only verifies, and a new next key is published, so that
 * every instance knows it well before it signs.
 *
 * A step first claims its number by creating `rotation-<n>.json`, which only one process can. A process that dies
 * leaves at worst no next key, or drafts, and a later call makes up for that.
 *
 * @param now do not wait until every instance knows the next key: tokens may be refused until then
 * @throws KeyFileUnusable, KeyDirectoryUnusable, KeyStateUnusable
 */
export async function rotate(directory: KeyDirectory, now: boolean): Promise<RotationStep> {
  const { files } = directory;
  // Before the first key there may be no directory, and no clock but our own.
  await directory.load({ nowMs: Date.now(), tokenLifeMs: MAX_TOKEN_LIFE_MS });
  const nowMs = await files.now();
  await files.removeDraftsBefore(nowMs - SPREAD_WITHIN_MS);
  const contents = await directory.load({ nowMs, tokenLifeMs: MAX_TOKEN_LIFE_MS });
  const { ring, stateNumber: number } = contents;
  const current = ring.current.kid;
  const [next] = ring.next;

  if (!next && !now) {
    if (await isBeingPublished(directory, contents, nowMs)) return { kind: 'overtaken' };
    const made = await step(directory, number + 1, { current, previous: previousOf(contents, nowMs) });
    return made === undefined ? { kind: 'overtaken' } : { kind: 'published', current, next: made };
  }
  const waitMs = next && !now ? next.publishedAt + SPREAD_WITHIN_MS - nowMs : 0;
  if (next && waitMs > 0) return { kind: 'too early', next: next.key.kid, waitMs };

  const successor = next?.key.kid ?? (await directory.publish(generatePem()));
  const previous = [{ kid: current, replacedAt: nowMs }, ...(await keepNeeded(directory, contents, nowMs))];
  const made = await step(directory, number + 1, { current: successor, previous }, ring.next[1]);
  if (made === undefined) return { kind: 'overtaken' };
  for (let old = number - 1; old > 0 && old > number - 10; old--) await files.remove(stateFileName(old));
  return { kind: 'rotated', current: successor, previous: current, next: made };
}

/**
 * The state first, because it decides who makes the step; then its next key.
 * @returns the next key's id; `undefined` if another process has claimed the number
 */
async function step(
  directory: KeyDirectory,
  number: number,
  state: Omit<RotationState, 'next'>,
  following?: PublishedKey,
): Promise<string | undefined> {
  const pem = following ? undefined : generatePem();
  const next = pem === undefined ? following!.key.kid : keyFromPem(pem).kid;
  const won = await directory.files.appear(stateFileName(number), () =>
    writeRotationState({ ...state, next }),
  );
  if (!won) return undefined;
  if (pem !== undefined) await directory.publish(pem);
  return next;
}

/** The state names a next key without a file: another process is about to write it, or died first. */
async function isBeingPublished(
  { files }: KeyDirectory,
  { state, stateNumber: number }: DirectoryContents,
  nowMs: number,
): Promise<boolean> {
  if (state?.next === undefined) return false;
  const version = await files.version(stateFileName(number));
  return version !== undefined && version.writtenAt > nowMs - SPREAD_WITHIN_MS;
}

/** Keys that signed before, even in a directory without a state. */
function previousOf({ state, ring }: DirectoryContents, nowMs: number): readonly PreviousKey[] {
  return state?.previous ?? ring.previous.map(({ kid }) => ({ kid, replacedAt: nowMs }));
}

/** Removes the previous keys that no token can need under any allowed settings. @returns the others */
async function keepNeeded(
  directory: KeyDirectory,
  contents: DirectoryContents,
  nowMs: number,
): Promise<PreviousKey[]> {
  const there = new Set(contents.keys.map(({ key }) => key.kid));
  const kept: PreviousKey[] = [];
  for (const each of previousOf(contents, nowMs)) {
    if (nowMs < each.replacedAt + SPREAD_WITHIN_MS + MAX_TOKEN_LIFE_MS) kept.push(each);
    // The file goes before its entry in the state: a key that no state names counts as a next one.
    else if (there.has(each.kid)) await directory.remove(each.kid);
  }
  return kept;
}
