import { describe, expect, it } from '@jest/globals';
import { generateSync } from 'otplib';
import { newTotpSecret, totpSecretText, totpStep, totpUri } from './totp.js';

const NOW = 1_763_650_000_000;
const STEP = Math.floor(NOW / 30_000);
const secret = newTotpSecret();
const codeOf = (step: number): string => generateSync({ secret, epoch: step * 30 });

describe('time-based one-time passwords', () => {
  it('one-time passwords are those of RFC 6238, appendix B, cut to six digits', () => {
    const rfc = Buffer.from('12345678901234567890');
    for (const [seconds, code] of [
      [59, '287082'],
      [1_111_111_109, '081804'],
      [1_234_567_890, '005924'],
      [20_000_000_000, '353130'],
    ] as const) {
      expect(totpStep(rfc, code, seconds * 1_000)).toBe(Math.floor(seconds / 30));
    }
  });

  it('one-time passwords are good for the step before, the current one and the one after', () => {
    for (const at of [STEP * 30_000, STEP * 30_000 + 29_999]) {
      expect([-2, -1, 0, 1, 2].map((steps) => totpStep(secret, codeOf(STEP + steps), at))).toEqual([
        undefined,
        STEP - 1,
        STEP,
        STEP + 1,
        undefined,
      ]);
    }
  });

  it('one-time passwords are six ASCII digits, and nothing else is looked at', () => {
    const code = codeOf(STEP);
    for (const other of ['', code.slice(1), `${code}0`, ` ${code}`, `${code}\n`, '١٢٣٤٥٦', '1e1000']) {
      expect(totpStep(secret, other, NOW)).toBeUndefined();
    }
  });

  it('one-time passwords have a secret of 160 bits, as base32 that an app makes the same codes from', () => {
    expect(secret).toHaveLength(20);
    expect(totpSecretText(secret)).toMatch(/^[A-Z2-7]{32}$/);
    expect(generateSync({ secret: totpSecretText(secret), epoch: STEP * 30 })).toBe(codeOf(STEP));
  });

  it.each([
    ['usher', 'usher'],
    ['https://id.example.org:8443/', 'id.example.org'],
    ['Große: Dienste', 'Große  Dienste'],
  ])('one-time passwords are set up by a URI that names the service: for %s it is %s', (issuer, name) => {
    const uri = new URL(totpUri({ issuer, account: 'ada+x@example.com', secret: 'ABC' }));
    expect(uri.href).toMatch(/^otpauth:\/\/totp\//);
    expect(decodeURIComponent(uri.pathname)).toMatch(new RegExp(`/${name}:ada\\+x@example.com$`));
    expect(Object.fromEntries(uri.searchParams)).toEqual({ secret: 'ABC', issuer: name });
  });
});
