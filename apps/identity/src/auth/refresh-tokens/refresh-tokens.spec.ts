import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { InvalidRefreshToken } from './errors.js';
import { type RefreshClaims, RefreshTokens } from './refresh-tokens.js';

const KEY = randomBytes(32);
const tokens = new RefreshTokens([KEY]);
const claims: RefreshClaims = { sessionId: '0190d6f0-7a3c-7b3e-9d2a-ba9876543210', counter: 7 };
const good = tokens.issue(claims);
const PREFIX = 'usher_rt_';

const bytesOf = (token: string): Buffer => Buffer.from(token.slice(PREFIX.length), 'base64url');
const tokenOf = (bytes: Buffer): string => PREFIX + bytes.toString('base64url');

function refuses(token: string, by = tokens): void {
  const fault: unknown = (() => {
    try {
      return by.verify(token);
    } catch (error) {
      return error;
    }
  })();
  expect(fault).toBeInstanceOf(InvalidRefreshToken);
  const { message, stack, cause } = fault as Error;
  if (token.length > 8) expect(`${message} ${stack}`).not.toContain(token.slice(-8));
  expect(cause).toBeUndefined();
}

describe('refresh tokens', () => {
  it('refresh tokens carry their session and number', () => {
    for (const counter of [0, 1, 255, 256, 2 ** 31 - 1, 2 ** 32 - 1]) {
      const of = { sessionId: randomUUID(), counter };
      expect(tokens.verify(tokens.issue(of))).toEqual(of);
    }
  });

  it('refresh tokens can be made again for a lost response', () => {
    expect(new RefreshTokens([KEY]).issue(claims)).toBe(good);
  });

  it('refresh tokens are another for another session, another number and another key', () => {
    const others = [
      tokens.issue({ ...claims, counter: 8 }),
      tokens.issue({ ...claims, sessionId: randomUUID() }),
      new RefreshTokens([randomBytes(32)]).issue(claims),
    ];
    expect(new Set([good, ...others].map((token) => token.slice(-43))).size).toBe(4);
  });

  it('refresh tokens can be told by their beginning, and need no escaping anywhere', () => {
    expect(good).toMatch(/^usher_rt_[\w-]{70}$/);
  });

  it('refresh tokens are refused with any single bit flipped', () => {
    const bytes = bytesOf(good);
    expect(bytes).toHaveLength(52);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      refuses(tokenOf(flipped));
    }
  });

  it('refresh tokens are refused with the session or the number of another one', () => {
    const [one, other] = [bytesOf(good), bytesOf(tokens.issue({ sessionId: randomUUID(), counter: 9 }))];
    const mixed = (session: Buffer, counter: Buffer, signature: Buffer): string =>
      tokenOf(Buffer.concat([session.subarray(0, 16), counter.subarray(16, 20), signature.subarray(20)]));
    expect(tokens.verify(mixed(one, one, one))).toEqual(claims); // so that it is the mixing that is refused
    refuses(mixed(other, one, one));
    refuses(mixed(one, other, one));
    refuses(mixed(other, other, one));
  });

  it('refresh tokens have one spelling', () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = letters.indexOf(good.at(-1)!);
    for (let spare = 1; spare < 16; spare++) {
      const twin = good.slice(0, -1) + letters[last ^ spare];
      expect(bytesOf(twin)).toEqual(bytesOf(good));
      refuses(twin);
    }
    const spellings = [
      ` ${good}`,
      `${good} `,
      `${good}\n`,
      `${good}=`,
      `${good}==`,
      `${good}\0`,
      good.toUpperCase(),
      good.replace(PREFIX, ''),
      good.replace(PREFIX, 'USHER_RT_'),
      PREFIX + good,
      PREFIX + bytesOf(good).toString('hex'),
      `${PREFIX}${good.slice(PREFIX.length, 40)} ${good.slice(40)}`,
    ];
    for (const spelling of spellings) refuses(spelling);
    const standard = tokenOf(Buffer.alloc(52, 0xff)).replaceAll('_', '/').replace('usher/rt/', PREFIX);
    refuses(standard);
  });

  it('refresh tokens are refused at once when they are nothing of the kind, also of 2 MB', () => {
    const startedAt = performance.now();
    for (const token of ['', 'x', PREFIX, '.', 'eyJ.eyJ.x', `${PREFIX}${'A'.repeat(2_000_000)}`]) {
      refuses(token);
    }
    refuses('A'.repeat(2_000_000));
    for (const length of [0, 19, 20, 51, 53, 84]) refuses(tokenOf(randomBytes(length)));
    refuses(tokenOf(Buffer.alloc(52)));
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('refresh tokens are signed for this use alone', () => {
    const body = bytesOf(good).subarray(0, 20);
    refuses(tokenOf(Buffer.concat([body, createHmac('sha256', KEY).update(body).digest()])));
  });

  it('refresh tokens of an older key are accepted while it is listed, and new ones are made with the first', () => {
    const newer = randomBytes(32);
    const both = new RefreshTokens([newer, KEY]);
    expect(both.verify(good)).toEqual(claims);
    expect(both.issue(claims)).toBe(new RefreshTokens([newer]).issue(claims));
    refuses(both.issue(claims)); // an instance that has not heard of the newer one
    refuses(good, new RefreshTokens([newer]));
  });
});
