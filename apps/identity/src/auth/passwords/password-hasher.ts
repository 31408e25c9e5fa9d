import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { Injectable } from '@nestjs/common';
import bcrypt from 'bcrypt';
import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { Settings } from '#config';

import { isWellFormedPassword, MAX_PASSWORD_BYTES, passwordBytes } from './password-policy.js';
import { PasswordsBusy } from './errors.js';
import { randomBytes } from 'node:crypto';

// bcrypt runs on libuv's four threads. One stays free, or DNS and the file system would wait behind passwords.
const WORKERS = Math.min(3, Math.max(1, availableParallelism()));
const QUEUE = 64;

/** For requests with a password: the longest that it may wait in the queue and be hashed. A full queue is shorter. */
export const PASSWORD_DEADLINE_MS = 15_000;

/** Only the first estimate of a wait, before anything was measured: cost 12 takes about this long. */
const MS_AT_COST_12 = 250;

/** Compared against decoys in place of a password that bcrypt would cut; all passwords take bcrypt the same time. */
const STAND_IN = 'an over-long or malformed password';

/** Hashes and verifies passwords with bcrypt, off the event loop, a few at a time. */
@Injectable()
export class PasswordHasher {
  private readonly cost: number;
  private readonly decoy: BcryptHash;
  private readonly lane = bulkhead(WORKERS, QUEUE);
  private readonly pace: HashingPace;

  constructor(settings: Settings) {
    this.cost = settings.bcryptCost;
    this.decoy = BcryptHash.decoy(this.cost);
    this.pace = new HashingPace(MS_AT_COST_12 * 2 ** (this.cost - 12));
  }

  /**
   * A new hash at the cost of the settings, 60 ASCII characters.
   * @throws RangeError for a password that bcrypt would cut or confuse; `PasswordPolicy` refuses those before
   * @throws PasswordsBusy
   */
  async hash(password: string): Promise<string> {
    if (!isHashable(password)) throw new RangeError('This password must not reach bcrypt.');
    return this.inLane(() => bcrypt.hash(password, this.cost));
  }

  /**
   * Whether the password is the one that was hashed. Takes as long as at the cost of the settings whatever the reason
   * for a no, so that time does not tell whether an account exists: no user (`null`), a malformed hash, a
   * password that cannot be anyone's, or a hash from when the setting was lower.
   * @throws PasswordsBusy
   */
  async verify(password: string, stored: string | null): Promise<boolean> {
    const hash = stored !== null && isHashable(password) ? BcryptHash.parse(stored) : undefined;
    return this.inLane(async () => {
      if (!hash) {
        await bcrypt.compare(STAND_IN, this.decoy.toString());
        return false;
      }
      const matches = await bcrypt.compare(password, hash.toString());
      if (!matches) await this.makeUpFor(hash.cost);
      return matches;
    });
  }

  /** Whether the hash is weaker than the settings ask for now, or no bcrypt hash at all. */
  needsRehash(stored: string): boolean {
    return (BcryptHash.parse(stored)?.cost ?? 0) < this.cost;
  }

  /** Works off what a cheaper hash saved: each cost is twice the one below, so c + c + (c+1) + … + (C-1) equals C. */
  private async makeUpFor(cheaper: number): Promise<void> {
    for (let cost = cheaper; cost < this.cost; cost++) {
      await bcrypt.compare(STAND_IN, BcryptHash.decoy(cost).toString());
    }
  }

  private async inLane<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.lane.execute(async () => {
        const startedAt = performance.now();
        const result = await work();
        this.pace.observe(performance.now() - startedAt);
        return result;
      });
    } catch (error) {
      if (isBulkheadRejectedError(error))
        throw new PasswordsBusy(this.pace.secondsFor(WORKERS + QUEUE, WORKERS));
      throw error;
    }
  }
}

function isHashable(password: string): boolean {
  return isWellFormedPassword(password) && passwordBytes(password) <= MAX_PASSWORD_BYTES;
}

/** One new measurement counts for a tenth: a pause of one job moves the average little, a slower machine shows soon. */
const WEIGHT = 0.1;

/** How long one password takes here, as a moving average, and so how long a queue of them will take. */
export class HashingPace {
  constructor(private averageMs: number) {}

  observe(elapsedMs: number): void {
    this.averageMs += WEIGHT * (elapsedMs - this.averageMs);
  }

  /** Whole seconds, at least 1, until `jobs` are done by `workers` at a time. */
  secondsFor(jobs: number, workers: number): number {
    return Math.max(1, Math.ceil((jobs * this.averageMs) / workers / 1000));
  }
}

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
