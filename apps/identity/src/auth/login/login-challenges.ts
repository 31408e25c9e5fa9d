import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { type Clock } from '#cache';
import { TokenText, uuidBytes, uuidOf } from '#crypto';
import { InvalidChallenge } from '../two-factor/errors.js';

const ID_BYTES = 16;
const TIME_BYTES = 6;
const FINGERPRINT_BYTES = 16;
const BODY_BYTES = ID_BYTES + TIME_BYTES + FINGERPRINT_BYTES;
const MAC_BYTES = 32;
const TEXT = new TokenText('usher_2fa_', BODY_BYTES + MAC_BYTES);

/** Time to find the phone and type the code. */
const LIFETIME_MS = 300_000;

export interface Challenge {
  /** UUID, lower case. */
  readonly userId: string;
  /** Whether this is the hash that the password was checked against. */
  readonly fits: (passwordHash: string) => boolean;
}

/**
 * Proof of a right password while the code is still missing: user, expiry and a fingerprint of the password hash,
 * with their HMAC-SHA256. Nothing is stored. A challenge is worthless without a right code, and each code works once.
 */
export class LoginChallenges {
  readonly #keys: readonly [Buffer, ...Buffer[]];

  /** @param keys that the keys of challenges are derived from, newest first */
  constructor(
    [newest, ...older]: readonly [Buffer, ...Buffer[]],
    private readonly clock: Clock,
  ) {
    this.#keys = [derived(newest), ...older.map(derived)];
  }

  issue(userId: string, passwordHash: string): string {
    const [key] = this.#keys;
    const end = Buffer.alloc(TIME_BYTES);
    end.writeUIntBE(this.clock.wallMs() + LIFETIME_MS, 0, TIME_BYTES);
    const body = Buffer.concat([uuidBytes(userId), end, fingerprint(key, passwordHash)]);
    return TEXT.write(body, mac(key, body));
  }

  /** @throws InvalidChallenge if forged, malformed or expired */
  read(challenge: string): Challenge {
    const bytes = TEXT.read(challenge);
    if (!bytes) throw new InvalidChallenge();
    const body = bytes.subarray(0, BODY_BYTES);
    const key = this.#keys.find((each) => timingSafeEqual(mac(each, body), bytes.subarray(BODY_BYTES)));
    if (!key || body.readUIntBE(ID_BYTES, TIME_BYTES) <= this.clock.wallMs()) throw new InvalidChallenge();
    return {
      userId: uuidOf(body),
      fits: (passwordHash) =>
        timingSafeEqual(fingerprint(key, passwordHash), body.subarray(ID_BYTES + TIME_BYTES)),
    };
  }
}

/** One key per use. */
function derived(key: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', 'usher login challenges', MAC_BYTES));
}

function mac(key: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', key).update('usher login challenge\0').update(body).digest();
}

/** Keyed, so that a challenge does not allow offline guessing of the password. */
function fingerprint(key: Buffer, passwordHash: string): Buffer {
  const digest = createHmac('sha256', key).update('usher password hash\0').update(passwordHash).digest();
  return digest.subarray(0, FINGERPRINT_BYTES);
}
