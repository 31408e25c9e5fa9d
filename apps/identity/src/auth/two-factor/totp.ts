import { randomBytes } from 'node:crypto';
import { generateURI, ScureBase32Plugin, verifySync } from 'otplib';

/** RFC 4226, section 4, recommends the length of a SHA-1 digest. */
const SECRET_BYTES = 20;
const STEP_SECONDS = 30;
const CODE = /^[0-9]{6}$/;

const base32 = new ScureBase32Plugin();

export function newTotpSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/** For typing into an authenticator app: base32 without padding. */
export function totpSecretText(secret: Buffer): string {
  return base32.encode(secret, { padding: false });
}

/**
 * The content of the QR code for authenticator apps
 * (https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
 */
export function totpUri({
  issuer,
  account,
  secret,
}: Record<'issuer' | 'account' | 'secret', string>): string {
  // A colon separates the two in the label.
  return generateURI({ issuer: serviceName(issuer), label: account, secret });
}

/**
 * The time step of a code: the current one, the one before or the one after (RFC 6238, section 5.2), for clocks that
 * differ and users who type slowly. SHA-1, six digits and 30 seconds are all that every authenticator app supports.
 *
 * @returns `undefined` if the code matches none of them
 */
export function totpStep(secret: Buffer, code: string, nowMs: number): number | undefined {
  if (!CODE.test(code)) return undefined;
  const result = verifySync({
    secret,
    token: code,
    epoch: Math.floor(nowMs / 1_000),
    epochTolerance: STEP_SECONDS,
  });
  return result.valid && 'timeStep' in result ? result.timeStep : undefined;
}

/** `iss` is often a URL; users know its host. */
function serviceName(issuer: string): string {
  const name = URL.canParse(issuer) ? new URL(issuer).hostname : '';
  return (name || issuer).replaceAll(':', ' ');
}
