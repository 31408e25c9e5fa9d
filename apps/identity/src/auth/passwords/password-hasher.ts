import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { Injectable } from '@nestjs/common';
import bcrypt from 'bcrypt';
import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { Settings } from '#config';

import { isWellFormedPassword, MAX_PASSWORD_BYTES, passwordBytes } from './password-policy.js';
import { PasswordsBusy } from './errors.js';
import { randomBytes } from 'node:crypto';

// bcrypt runs on libuv's four threads. One stays free, or DNS and the file system would wait for passwords.
const WORKERS = Math.min(3, Math.max(1, availableParallelism()));
const QUEUE = 64;

/** The deadline of requests with a password. A full queue is worked off well within it. */
export const PASSWORD_DEADLINE_MS = 15_000;

/** The estimate before the first measurement: about the time of cost 12. */
const MS_AT_COST_12 = 250;

/**
 * Compared against decoys instead of a password that bcrypt would cut. bcrypt takes equally long for every password.
 */
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
   * Hashes at the cost of the settings: 60 ASCII characters.
   * @throws RangeError for a password that bcrypt would cut or confuse; `PasswordPolicy` refuses those first
   * @throws PasswordsBusy
   */
  async hash(password: string): Promise<string> {
    if (!isHashable(password)) throw new RangeError('This password must not reach bcrypt.');
    return this.inLane(() => bcrypt.hash(password, this.cost));
  }

  /**
   * Whether the password matches the hash. Every refusal takes as long as a comparison at the cost of the settings,
   * so that timing does not reveal whether an account exists: no user (`null`), a malformed hash, an impossible
   * password, or a cheaper hash.
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

  /** Whether the hash is weaker than the settings require, or malformed. */
  needsRehash(stored: string): boolean {
    return (BcryptHash.parse(stored)?.cost ?? 0) < this.cost;
  }

  /** Spends what a cheaper hash saved: each cost is twice the one below, so c + c + (c+1) + … + (C-1) equals C. */
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

/** Weight of a new measurement: one slow job moves the average little, a slower machine shows soon. */
const WEIGHT = 0.1;

/** The moving average of the time per password, which predicts how long a queue takes. */
export class HashingPace {
  constructor(private averageMs: number) {}

  observe(elapsedMs: number): void {
    this.averageMs += WEIGHT * (elapsedMs - this.averageMs);
  }

  /** Whole seconds, at least 1, until `workers` have done `jobs`. */
  secondsFor(jobs: number, workers: number): number {
    return Math.max(1, Math.ceil((jobs * this.averageMs) / workers / 1000));
  }
}

// $2y$ is written by PHP's crypt_blowfish. It equals $2b$, but node's bcrypt knows only a and b.
const BCRYPT_HASH = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$([./A-Za-z0-9]{53})$/;

/** A stored bcrypt hash: prefix $2a$, $2b$ or $2y$, cost, 22 characters of salt, 31 of digest. */
export class BcryptHash {
  private constructor(
    /** Base-2 logarithm of the rounds. */
    readonly cost: number,
    private readonly text: string,
  ) {}

  /** `undefined` if the text is not a bcrypt hash. */
  static parse(stored: string): BcryptHash | undefined {
    const [, cost, saltAndDigest] = BCRYPT_HASH.exec(stored) ?? [];
    if (cost === undefined || saltAndDigest === undefined) return undefined;

    const prefix = stored.startsWith('$2a$') ? '$2a$' : '$2b$';
    return new BcryptHash(Number(cost), `${prefix}${cost}$${saltAndDigest}`);
  }

  /** A hash of no password: random salt and digest, as costly to compare as a real one. */
  static decoy(cost: number): BcryptHash {
    const saltAndDigest = randomBytes(40).toString('base64').replaceAll('+', '.').slice(0, 53);
    return new BcryptHash(cost, `$2b$${String(cost).padStart(2, '0')}$${saltAndDigest}`);
  }

  /** In the form that node's bcrypt accepts. */
  toString(): string {
    return this.text;
  }
}
