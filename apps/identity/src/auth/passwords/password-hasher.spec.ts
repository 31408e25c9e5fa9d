import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { describe, expect, it } from '@jest/globals';
import { readSettings } from '#config';
import { BcryptHash, PasswordHasher } from './password-hasher.js';
import { PasswordsBusy } from './errors.js';

const COST = 6;
const hasher = aHasher(COST);

function aHasher(cost: number): PasswordHasher {
  return new PasswordHasher(readSettings({ BCRYPT_COST: String(cost) }));
}

/** Median milliseconds of each, taken in turns so that a busy machine slows all alike. */
async function medians(...attempts: (() => Promise<unknown>)[]): Promise<number[]> {
  const times = attempts.map((): number[] => []);
  for (let round = 0; round < 20; round++) {
    for (const [i, attempt] of attempts.entries()) {
      const startedAt = performance.now();
      await attempt();
      times[i]?.push(performance.now() - startedAt);
    }
  }
  return times.map((list) => list.sort((a, b) => a - b)[10] ?? 0);
}

describe('PasswordHasher', () => {
  it('PasswordHasher recognises the password that it hashed, and no other', async () => {
    const stored = await hasher.hash('wobbly teapot');
    expect(stored).toMatch(/^\$2b\$06\$.{53}$/);
    expect(await hasher.verify('wobbly teapot', stored)).toBe(true);
    expect(await hasher.verify('wobbly teapots', stored)).toBe(false);
    expect(await hasher.verify('', stored)).toBe(false);
  });

  it('PasswordHasher accepts the prefixes $2a$, $2b$ and $2y$', async () => {
    const stored = await hasher.hash('wobbly teapot');
    for (const prefix of ['$2a$', '$2b$', '$2y$']) {
      const imported = prefix + stored.slice(4);
      expect(await hasher.verify('wobbly teapot', imported)).toBe(true);
      expect(await hasher.verify('another teapot', imported)).toBe(false);
    }
  });

  it('PasswordHasher tells 72-byte passwords apart to the last byte and never cuts a longer one', async () => {
    const password = 'é'.repeat(36);
    const stored = await hasher.hash(password);
    expect(await hasher.verify(password, stored)).toBe(true);
    expect(await hasher.verify('é'.repeat(35) + 'è', stored)).toBe(false);
    expect(await hasher.verify(password + 'x', stored)).toBe(false);
    await expect(hasher.hash(password + 'x')).rejects.toThrow(RangeError);
  });

  it('PasswordHasher says no to NUL and lone surrogates and never hashes them', async () => {
    const stored = await hasher.hash('teapot');
    const replaced = await hasher.hash('tea\ufffdpot');
    expect(await hasher.verify('teapot\0', stored)).toBe(false);
    expect(await hasher.verify('teapot\0pot', stored)).toBe(false);
    expect(await hasher.verify('tea\ud800pot', replaced)).toBe(false);
    await expect(hasher.hash('teapot\0')).rejects.toThrow(RangeError);
    await expect(hasher.hash('tea\ud800pot')).rejects.toThrow(RangeError);
  });

  it.each([
    '',
    'x',
    '$2b$06$short',
    '$2x$06$' + 'a'.repeat(53),
    '$2b$99$' + 'a'.repeat(53),
    '$2b$06$' + 'é'.repeat(53),
  ])('PasswordHasher says no to the malformed hash %j', async (stored) => {
    expect(await hasher.verify('wobbly teapot', stored)).toBe(false);
  });

  it('PasswordHasher takes the same time for every reason to refuse', async () => {
    const stored = await hasher.hash('wobbly teapot');
    const cheaper = await aHasher(4).hash('wobbly teapot');
    const [known = 0, ...others] = await medians(
      () => hasher.verify('another teapot', stored),
      () => hasher.verify('another teapot', null),
      () => hasher.verify('another teapot', 'malformed'),
      () => hasher.verify('x'.repeat(100_000), stored),
      () => hasher.verify('another\0teapot', stored),
      () => hasher.verify('another teapot', cheaper),
    );
    for (const other of others) {
      expect(other / known).toBeGreaterThan(0.6);
      expect(other / known).toBeLessThan(1.67);
    }
  });

  it('PasswordHasher asks to rehash hashes cheaper than the setting', async () => {
    const stored = await hasher.hash('wobbly teapot');
    expect(hasher.needsRehash(stored)).toBe(false);
    expect(aHasher(7).needsRehash(stored)).toBe(true);
    expect(aHasher(5).needsRehash(stored)).toBe(false);
    expect(hasher.needsRehash('malformed')).toBe(true);
  });

  it('PasswordHasher refuses what does not fit in its queue, says when to retry, and finishes the rest', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 80 }, () => hasher.verify('wobbly teapot', null)),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThanOrEqual(80 - 64 - 3);
    expect(refused.length).toBeLessThanOrEqual(80 - 64 - 1);
    for (const { reason } of refused) {
      expect(reason).toBeInstanceOf(PasswordsBusy);
      // How long the queue takes is measured, and the machine may be busy.
      expect(reason).toMatchObject({ code: 'auth.busy', retryAfterSeconds: expect.any(Number) });
      expect((reason as PasswordsBusy).retryAfterSeconds).toBeGreaterThanOrEqual(1);
    }
    expect(await hasher.verify('wobbly teapot', null)).toBe(false);
  });

  it('PasswordHasher lets the event loop turn meanwhile', async () => {
    const slow = aHasher(12);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const startedAt = performance.now();
    await slow.verify('wobbly teapot', null);
    const tookMs = performance.now() - startedAt;
    delay.disable();
    expect(delay.max / 1e6).toBeLessThan(tookMs / 2);
  });
});

describe('BcryptHash', () => {
  it('BcryptHash makes decoys that are well-formed and never the same', () => {
    const [a, b] = [BcryptHash.decoy(12).toString(), BcryptHash.decoy(12).toString()];
    expect(BcryptHash.parse(a)?.cost).toBe(12);
    expect(a).not.toBe(b);
  });
});
