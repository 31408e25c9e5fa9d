import { randomBytes } from 'node:crypto';

// $2y$ is what PHP's crypt_blowfish writes. The algorithm is that of $2b$, but node's bcrypt knows only a and b.
const BCRYPT_HASH = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$([./A-Za-z0-9]{53})$/;

/** A stored bcrypt hash that can be compared against: prefix $2a$, $2b$ or $2y$, cost, 22 characters of salt, 31 of digest. */
export class BcryptHash {
  private constructor(
    /** Base-2 logarithm of the rounds. */
    readonly cost: number,
    private readonly text: string,
  ) {}

  /** `undefined` when the text is no bcrypt hash. */
  static parse(stored: string): BcryptHash | undefined {
    const [, cost, saltAndDigest] = BCRYPT_HASH.exec(stored) ?? [];
    if (cost === undefined || saltAndDigest === undefined) return undefined;

    const prefix = stored.startsWith('$2a$') ? '$2a$' : '$2b$';
    return new BcryptHash(Number(cost), `${prefix}${cost}$${saltAndDigest}`);
  }

  /** A hash of no password at all: random salt and digest, which cost as much to compare against as real ones. */
  static decoy(cost: number): BcryptHash {
    const saltAndDigest = randomBytes(40).toString('base64').replaceAll('+', '.').slice(0, 53);
    return new BcryptHash(cost, `$2b$${String(cost).padStart(2, '0')}$${saltAndDigest}`);
  }

  /** As node's bcrypt takes it. */
  toString(): string {
    return this.text;
  }
}
