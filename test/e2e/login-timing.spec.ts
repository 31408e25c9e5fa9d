import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import bcrypt from 'bcrypt';
import { aUser, anAdmin } from '../support/app/users.js';
import { insertUser } from '../support/postgres/account-rows.js';
import { TestApp } from '../support/app/test-app.js';

const ROUNDS = 200;
/** Each comparison takes about ten milliseconds, so that the hop to another thread is small beside it. */
const COST = 7;

describe('login timing', () => {
  let usher: TestApp;
  /** Theirs is compared with that of all others. */
  let known: string;
  const others: Record<string, string> = { 'an unknown account': 'nobody.at.all@example.com' };

  beforeAll(async () => {
    usher = await TestApp.start({ env: { BCRYPT_COST: String(COST) } });
    const admin = await anAdmin(usher);
    known = (await aUser(usher)).email;
    const inactive = await aUser(usher);
    await usher.http.patch(`/users/${inactive.id}`).set(admin.bearer).send({ is_active: false }).expect(200);
    others['an inactive account'] = inactive.email;
    const cheaper = await insertUser(usher.database, { passwordHash: await bcrypt.hash('teapot', COST - 1) });
    others['an account whose hash is from when it cost less'] = cheaper.email;
  });

  afterAll(async () => {
    await usher.stop();
  });

  /** Milliseconds. On a connection that is kept: to make one takes as long as a comparison does. */
  async function timeOf(identifier: string): Promise<number> {
    const startedAt = performance.now();
    const answer = await fetch(`${usher.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ identifier, password: 'wrong' }),
    });
    await answer.arrayBuffer();
    const took = performance.now() - startedAt;
    expect(answer.status).toBe(401);
    return took;
  }

  async function timeOfComparison(): Promise<number> {
    const hash = await bcrypt.hash('teapot', COST);
    const times = [];
    for (let i = 0; i < 21; i++) {
      const startedAt = performance.now();
      await bcrypt.compare('wrong', hash);
      times.push(performance.now() - startedAt);
    }
    return median(times);
  }

  it('refused login takes equally long for known and unknown accounts, within noise over 200 pairs', async () => {
    const accounts = [known, ...Object.values(others)];
    for (let i = 0; i < 40; i++) await timeOf(accounts[i % accounts.length]!); // while code is being compiled
    const rounds: Map<string, number>[] = [];
    for (let n = 0; n < ROUNDS; n++) {
      // All in one round, by lot, so that a machine that is busy for a while is busy for all of them.
      const times = new Map<string, number>();
      for (const account of shuffled(accounts)) times.set(account, await timeOf(account));
      rounds.push(times);
    }
    const comparison = await timeOfComparison();
    for (const [what, account] of Object.entries(others)) {
      const differences = rounds.map((times) => times.get(known)! - times.get(account)!);
      const tells = isSignificant(differences) && Math.abs(median(differences)) > comparison / 10;
      expect([what, tells ? `${median(differences)} ms` : 'noise']).toEqual([what, 'noise']);
    }
  });
});

/**
 * The sign test: were there no difference, one way would be as frequent as the other, and the count beyond 3.3 standard
 * deviations in one of a thousand cases. How noisy the machine is does not matter to it, but it sees differences of
 * microseconds as well; so those count only that are a share of a comparison.
 */
function isSignificant(differences: readonly number[]): boolean {
  const positive = differences.filter((difference) => difference > 0).length;
  return Math.abs(2 * positive - differences.length) / Math.sqrt(differences.length) > 3.3;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

function shuffled<T>(values: readonly T[]): T[] {
  const lots = values.map((value) => ({ value, lot: Math.random() }));
  return lots.sort((a, b) => a.lot - b.lot).map(({ value }) => value);
}
