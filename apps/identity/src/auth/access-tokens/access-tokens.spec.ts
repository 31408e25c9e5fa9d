import {
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { readSettings, Settings } from '#config';
import { AccessTokens } from './access-tokens.js';
import { Clock, SystemClock } from '#cache';
import { FakeClock } from '../../../../../libs/cache/test/fake-clock.js';
import { InvalidToken } from './errors.js';
import { type SigningKey } from '../signing-keys/signing-key.js';
import { SigningKeys } from '../signing-keys/signing-keys.js';
import { SigningKeysModule } from '../signing-keys/signing-keys.module.js';

const NOW = Date.UTC(2030, 0, 1) + 250;
const SECONDS = Math.floor(NOW / 1000);
const USER = '0190d6f0-7a3c-7b3e-9d2a-0123456789ab';
const SESSION = '0190d6f0-7a3c-7b3e-9d2a-ba9876543210';
const SECRET = 'zK3v9QmX7pTn2WcR8yLd5HsB1fGj6UaE';

const encoded = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const hmac = (text: string, key: string | KeyObject): string =>
  createHmac('sha256', key).update(text).digest('base64url');

const ecdsa = (text: string, key: KeyObject): string =>
  sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');

/** A token with a valid signature by the key; header and payload are as given. */
function handSigned(key: SigningKey, header: unknown, payload: unknown): string {
  const text = `${encoded(header)}.${encoded(payload)}`;
  return `${text}.${key.algorithm === 'HS256' ? hmac(text, key.signWith) : ecdsa(text, key.signWith)}`;
}

const aHeader = (key: SigningKey): object => ({ alg: key.algorithm, typ: 'at+jwt', kid: key.kid });

const claims = {
  iss: 'usher',
  aud: 'usher',
  sub: USER,
  sid: SESSION,
  iat: SECONDS,
  exp: SECONDS + 900,
  jti: randomUUID(),
};

const without = (name: keyof typeof claims): object =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));

/** As JSON text, for numbers that JSON.stringify would not write. */
const withRaw = (name: keyof typeof claims, raw: string): string =>
  JSON.stringify({ ...claims, [name]: '@@' }).replace('"@@"', raw);

let keysDir: string;
beforeAll(async () => {
  keysDir = await mkdtemp(join(tmpdir(), 'usher-tokens-'));
});
afterAll(() => rm(keysDir, { recursive: true }));

const es256 = (): Settings => readSettings({ JWT_KEYS_DIR: keysDir });
const hs256 = (): Settings => readSettings({ JWT_SECRET: SECRET });

describe.each([
  ['ES256', es256],
  ['HS256', hs256],
])('AccessTokens with %s', (algorithm, settingsOf) => {
  let clock: FakeClock;
  let keys: SigningKeys;
  let tokens: AccessTokens;
  let key: SigningKey;

  beforeEach(async () => {
    clock = new FakeClock(NOW);
    keys = await SigningKeys.load(settingsOf());
    tokens = new AccessTokens(settingsOf(), keys, clock);
    key = keys.current;
  });

  const signed = (payload: unknown): string => handSigned(key, aHeader(key), payload);

  async function refusal(token: string): Promise<string> {
    const error: unknown = await tokens.verify(token).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(InvalidToken);
    const { code, reason, message, stack, cause } = error as InvalidToken;
    expect(code).toBe('auth.invalid_token');
    for (const segment of token.split('.').filter((part) => part.length > 8)) {
      expect(`${message} ${stack}`).not.toContain(segment);
    }
    expect(cause).toBeUndefined();
    return reason;
  }

  it('AccessTokens verifies a token that it issued', async () => {
    const { token, expiresInSeconds } = await tokens.issue({ userId: USER, sessionId: SESSION });
    expect(expiresInSeconds).toBe(900);

    const verified = await tokens.verify(token);
    expect(verified).toEqual({
      userId: USER,
      sessionId: SESSION,
      issuedAt: SECONDS * 1000,
      expiresAt: (SECONDS + 900) * 1000,
      tokenId: expect.any(String),
    });
    expect(Object.isFrozen(verified)).toBe(true);
  });

  it('AccessTokens writes RFC 9068 headers and claims, and a different token each time', async () => {
    const { token } = await tokens.issue({ userId: USER, sessionId: SESSION });
    const again = await tokens.issue({ userId: USER, sessionId: SESSION });
    const [header, payload] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
    expect(JSON.parse(header ?? '')).toEqual({ alg: algorithm, typ: 'at+jwt', kid: key.kid });
    expect(JSON.parse(payload ?? '')).toEqual({
      ...claims,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(again.token).not.toBe(token);
  });

  it('AccessTokens issues no token that outlives its session, and returns its real lifetime', async () => {
    const notAfter = new Date((SECONDS + 60) * 1000 + 900);
    const { token, expiresInSeconds } = await tokens.issue({ userId: USER, sessionId: SESSION, notAfter });
    expect(expiresInSeconds).toBe(60);
    expect((await tokens.verify(token)).expiresAt).toBe((SECONDS + 60) * 1000);

    const later = new Date((SECONDS + 86_400) * 1000);
    const usual = await tokens.issue({ userId: USER, sessionId: SESSION, notAfter: later });
    expect(usual.expiresInSeconds).toBe(900);
  });

  it('AccessTokens accepts a valid token that was signed by hand', async () => {
    expect(await tokens.verify(signed(claims))).toMatchObject({ userId: USER, sessionId: SESSION });
  });

  it('AccessTokens refuses text that is not a compact JWS', async () => {
    const good = signed(claims);
    const [header, payload, signature] = good.split('.');
    const bad = [
      '',
      ' ',
      'x',
      '..',
      'a.b',
      'a.b.c.d',
      `${good}.`,
      ` ${good}`,
      `${good}\n`,
      `${header}.${payload}.`,
    ];
    for (const token of [...bad, `${header}..${signature}`, `${good}=`]) {
      expect(await refusal(token)).toBe('malformed');
    }
    expect(await refusal(`${encoded('not json')}.${payload}.${signature}`)).toBe('malformed');
    expect(await refusal(`${encoded('[]')}.${payload}.${signature}`)).toBe('malformed');
    expect(await refusal(`${encoded('null')}.${payload}.${signature}`)).toBe('malformed');
  });

  it('AccessTokens refuses a signature with spare bits set', async () => {
    const good = signed(claims);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = good.slice(0, -1) + alphabet[alphabet.indexOf(good.slice(-1)) + 1];
    expect(Buffer.from(twin.split('.')[2] ?? '', 'base64url')).toEqual(
      Buffer.from(good.split('.')[2] ?? '', 'base64url'),
    );
    expect(await refusal(twin)).toBe('malformed');
  });

  it('AccessTokens refuses more than 4096 characters, even of a valid token', async () => {
    const long = signed({ ...claims, padding: 'x'.repeat(4096) });
    expect(await refusal(long)).toBe('too long');
    expect(await refusal('x'.repeat(5_000_000))).toBe('too long');
  });

  it('AccessTokens refuses a changed payload and a changed signature', async () => {
    const good = signed(claims);
    const [header, , signature] = good.split('.');
    expect(await refusal(`${header}.${encoded({ ...claims, sid: USER })}.${signature}`)).toBe(
      'bad signature',
    );
    const other = signed({ ...claims, sid: USER }).split('.');
    expect(await refusal(good.replace(signature ?? '', other[2] ?? ''))).toBe('bad signature');
    expect(await refusal(good.replace(signature ?? '', 'AAAA'))).toMatch(/bad signature|claims not accepted/);
  });

  it('AccessTokens refuses alg none in every spelling, with and without a signature', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
      const token = handSigned(key, { ...aHeader(key), alg }, claims);
      expect(await refusal(token)).toBe('header not accepted');
      expect(await refusal(token.slice(0, token.lastIndexOf('.') + 1))).toBe('malformed');
    }
  });

  it('AccessTokens refuses every algorithm except that of the key', async () => {
    const others = ['HS256', 'HS384', 'HS512', 'RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'hs256'];
    for (const alg of others.filter((other) => other !== algorithm)) {
      expect(await refusal(handSigned(key, { ...aHeader(key), alg }, claims))).toBe('header not accepted');
    }
  });

  it('AccessTokens refuses a signature by another key under our key id', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const secret = createSecretKey('another secret, just as long as ours', 'utf8');
    const signWith = algorithm === 'HS256' ? secret : privateKey;
    expect(await refusal(handSigned({ ...key, signWith }, aHeader(key), claims))).toBe('bad signature');
  });

  it('AccessTokens looks key ids up, and never reads them as paths', async () => {
    const strange = [
      '',
      'unknown',
      '../../etc/passwd',
      '/dev/null',
      '__proto__',
      'constructor',
      `${key.kid}.pem`,
    ];
    for (const kid of strange) {
      expect(await refusal(handSigned(key, { ...aHeader(key), kid }, claims))).toBe('unknown key');
    }
    for (const kid of [undefined, null, 1, [key.kid], { kid: key.kid }]) {
      expect(await refusal(handSigned(key, { ...aHeader(key), kid }, claims))).toBe('header not accepted');
    }
  });

  it('AccessTokens refuses every type except at+jwt', async () => {
    for (const typ of [undefined, null, 'JWT', 'jwt', 'rt+jwt', 'AT+JWT', 'application/at+jwt', ['at+jwt']]) {
      expect(await refusal(handSigned(key, { ...aHeader(key), typ }, claims))).toBe('header not accepted');
    }
  });

  it.each([
    ['crit', ['exp']],
    ['crit', []],
    ['b64', false],
    ['zip', 'DEF'],
    ['enc', 'A256GCM'],
    ['jwk', { kty: 'oct', k: 'AAAA' }],
    ['jku', 'https://evil.example/jwks.json'],
    ['x5u', 'https://evil.example/cert.pem'],
    ['x5c', ['AAAA']],
    ['cty', 'JWT'],
  ])('AccessTokens refuses the header parameter %s: %j', async (name, value) => {
    expect(await refusal(handSigned(key, { ...aHeader(key), [name]: value }, claims))).toBe(
      'header not accepted',
    );
  });

  it('AccessTokens refuses a payload that is not an object', async () => {
    const inArray = [claims];
    for (const payload of [inArray, [], '"text"', 'null', '12', 'true', 'not json', '{"iss":']) {
      expect(await refusal(signed(payload))).toBe('malformed');
    }
    expect(await refusal(signed(Object.assign([], claims)))).toBe('malformed');
  });

  it('AccessTokens refuses another issuer or audience, and lists of them', async () => {
    for (const iss of ['other', 'Usher', '', null, 1, ['usher'], { usher: true }]) {
      expect(await refusal(signed({ ...claims, iss }))).toBe('wrong issuer');
    }
    for (const aud of ['other', 'Usher', '', null, 1, ['usher'], ['other', 'usher']]) {
      expect(await refusal(signed({ ...claims, aud }))).toBe('wrong audience');
    }
  });

  it.each([
    ['iss', 'wrong issuer'],
    ['aud', 'wrong audience'],
    ['sub', 'claims not accepted'],
    ['sid', 'claims not accepted'],
    ['iat', 'claims not accepted'],
    ['exp', 'claims not accepted'],
    ['jti', 'claims not accepted'],
  ] as const)('AccessTokens refuses a token without %s', async (name, reason) => {
    expect(await refusal(signed(without(name)))).toBe(reason);
  });

  it('AccessTokens refuses a sub, sid or jti that is not a lower-case UUID', async () => {
    const strange = [
      '',
      'admin',
      '1',
      `${USER} `,
      `${USER}\n`,
      USER.toUpperCase(),
      USER.replaceAll('-', ''),
      1,
      null,
      [USER],
    ];
    for (const value of strange) {
      expect(await refusal(signed({ ...claims, sub: value }))).toBe('claims not accepted');
      expect(await refusal(signed({ ...claims, sid: value }))).toBe('claims not accepted');
      expect(await refusal(signed({ ...claims, jti: value }))).toBe('claims not accepted');
    }
  });

  it('AccessTokens refuses times that are strings, fractions, negative, infinite or too large to be exact', async () => {
    const strange = [
      '"3"',
      '"900"',
      '3.5',
      '-1',
      '1e999',
      '-1e999',
      '1e300',
      'null',
      'true',
      '[3]',
      '{}',
      '""',
    ];
    for (const raw of [...strange, '9007199254740993']) {
      for (const name of ['iat', 'exp'] as const) {
        expect(await refusal(signed(withRaw(name, raw)))).toMatch(/claims not accepted|expired/);
      }
      expect(await refusal(signed(withRaw('jti', `"${claims.jti}","nbf":${raw}`)))).toMatch(
        /claims not accepted|not yet valid/,
      );
    }
    expect(await refusal(signed(withRaw('exp', 'NaN')))).toBe('malformed');
  });

  it('AccessTokens refuses an exp later than it would issue', async () => {
    expect(await tokens.verify(signed({ ...claims, exp: SECONDS + 900 + 5 }))).toBeDefined();
    for (const exp of [SECONDS + 900 + 6, SECONDS + 86_400, SECONDS + 86_401, 253_402_300_799]) {
      expect(await refusal(signed({ ...claims, exp }))).toBe('lifetime too long');
    }
  });

  it('AccessTokens refuses a lifetime over 24 hours, however little is left of it', async () => {
    const exp = SECONDS + 100;
    expect(await tokens.verify(signed({ ...claims, exp, iat: exp - 86_400 }))).toBeDefined();
    expect(await refusal(signed({ ...claims, exp, iat: exp - 86_401 }))).toBe('lifetime too long');
    expect(await refusal(signed({ ...claims, exp, iat: 0 }))).toBe('lifetime too long');
  });

  it('AccessTokens refuses an exp that is not after iat', async () => {
    expect(await refusal(signed({ ...claims, iat: SECONDS + 4, exp: SECONDS + 4 }))).toBe(
      'claims not accepted',
    );
  });

  it('AccessTokens accepts an iat up to 5 seconds ahead', async () => {
    expect(await tokens.verify(signed({ ...claims, iat: SECONDS + 5 }))).toBeDefined();
    expect(await refusal(signed({ ...claims, iat: SECONDS + 6 }))).toBe('not yet valid');
  });

  it('AccessTokens refuses a token before its nbf', async () => {
    expect(await tokens.verify(signed({ ...claims, nbf: SECONDS }))).toBeDefined();
    expect(await refusal(signed({ ...claims, nbf: SECONDS + 1 }))).toBe('not yet valid');
  });

  it('AccessTokens refuses a token from the moment it expires', async () => {
    const { token } = await tokens.issue({ userId: USER, sessionId: SESSION });
    clock.moveTo((SECONDS + 900) * 1000);
    expect(await refusal(token)).toBe('expired');
  });

  it('AccessTokens checks the expiry of a remembered token', async () => {
    const { token } = await tokens.issue({ userId: USER, sessionId: SESSION });
    const first = await tokens.verify(token);
    clock.moveTo(first.expiresAt - 1);
    expect(await tokens.verify(token)).toBe(first);
    clock.moveTo(first.expiresAt);
    expect(await refusal(token)).toBe('expired');
    clock.moveTo(first.expiresAt + 1);
    expect(await refusal(token)).toBe('expired');
  });

  it('AccessTokens does not remember refusals: an early token is accepted later', async () => {
    const token = signed({ ...claims, nbf: SECONDS + 60 });
    expect(await refusal(token)).toBe('not yet valid');
    clock.advance(60_000);
    expect(await tokens.verify(token)).toMatchObject({ userId: USER });
  });

  it('AccessTokens remembers the exact token, not similar ones', async () => {
    const { token } = await tokens.issue({ userId: USER, sessionId: SESSION });
    await tokens.verify(token);
    const [header, payload] = token.split('.');
    expect(await refusal(`${header}.${payload}.${encoded('x'.repeat(64))}`)).toMatch(
      /bad signature|claims not/,
    );
    expect(await refusal(`${token} `)).toBe('malformed');
  });
});

describe('AccessTokens', () => {
  it('AccessTokens refuses an HMAC over the public key', async () => {
    const keys = await SigningKeys.load(es256());
    const tokens = new AccessTokens(es256(), keys, new FakeClock(NOW));
    const { verifyWith, kid } = keys.current;
    const forms = [
      verifyWith.export({ format: 'pem', type: 'spki' }).toString(),
      verifyWith.export({ format: 'pem', type: 'spki' }).toString().trim(),
      JSON.stringify(verifyWith.export({ format: 'jwk' })),
    ];
    for (const secret of forms) {
      for (const alg of ['HS256', 'ES256']) {
        const text = `${encoded({ alg, typ: 'at+jwt', kid })}.${encoded(claims)}`;
        await expect(tokens.verify(`${text}.${hmac(text, secret)}`)).rejects.toBeInstanceOf(InvalidToken);
      }
    }
  });

  it('AccessTokens refuses an EC signature where the key is a secret', async () => {
    const keys = await SigningKeys.load(hs256());
    const tokens = new AccessTokens(hs256(), keys, new FakeClock(NOW));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const text = `${encoded({ alg: 'ES256', typ: 'at+jwt', kid: keys.current.kid })}.${encoded(claims)}`;
    await expect(tokens.verify(`${text}.${ecdsa(text, privateKey)}`)).rejects.toMatchObject({
      reason: 'header not accepted',
    });
  });

  it('AccessTokens refuses the tokens of another secret', async () => {
    const other = readSettings({ JWT_SECRET: 'Vb8nM2qLx4Zt7Wy1Rk6Jc9Pd3Hg5SfTo' });
    const theirs = new AccessTokens(other, await SigningKeys.load(other), new FakeClock(NOW));
    const ours = new AccessTokens(hs256(), await SigningKeys.load(hs256()), new FakeClock(NOW));
    const { token } = await theirs.issue({ userId: USER, sessionId: SESSION });
    await expect(ours.verify(token)).rejects.toMatchObject({ reason: 'unknown key' });
  });

  it('AccessTokens comes from its Nest module with the key loaded and the real clock', async () => {
    @Global()
    @Module({ providers: [{ provide: Settings, useFactory: hs256 }], exports: [Settings] })
    class SettingsModule {}

    const module = await Test.createTestingModule({
      imports: [SettingsModule, SigningKeysModule],
      providers: [AccessTokens],
    }).compile();
    const tokens = module.get(AccessTokens);
    expect(module.get(Clock)).toBeInstanceOf(SystemClock);
    const { token } = await tokens.issue({ userId: USER, sessionId: SESSION });
    expect(await tokens.verify(token)).toMatchObject({ userId: USER, sessionId: SESSION });
  });
});
