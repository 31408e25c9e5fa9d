import { randomBytes } from 'node:crypto';
import { generateURI, ScureBase32Plugin, verifySync } from 'otplib';

/** RFC 4226, section 4, recommends as many bits as SHA-1 has. */
const SECRET_BYTES = 20;
const STEP_SECONDS = 30;
const CODE = /^[0-9]{6}$/;

const base32 = new ScureBase32Plugin();

export function newTotpSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/** As people type it into an authenticator app: base32 without padding. */
export function totpSecretText(secret: Buffer): string {
  return base32.encode(secret, { padding: false });
}

/** What a QR code for authenticator apps holds (https://github.com/google/google-authenticator/wiki/Key-Uri-Format). */
export function totpUri({
  issuer,
  account,
  secret,
}: Record<'issuer' | 'account' | 'secret', string>): string {
  // A colon is what parts the two in the label.
  return generateURI({ issuer: serviceName(issuer), label: account, secret });
}

/**
 * Which time step a code is of: the current one, that before or that after (RFC 6238, section 5.2), for clocks that
 * differ and people who type slowly. SHA-1, six digits and 30 seconds are all that every authenticator app understands.
 *
 * @returns `undefined`: of none of them
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

/** `iss` is often a URL, of which people know the host. */
function serviceName(issuer: string): string {
  const name = URL.canParse(issuer) ? new URL(issuer).hostname : '';
  return (name || issuer).replaceAll(':', ' ');
}
