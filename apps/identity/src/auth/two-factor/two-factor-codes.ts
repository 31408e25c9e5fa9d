import { Settings } from '#config';
import { type CachedUser, type TwoFactorStatus, TwoFactorStore } from '#accounts';
import { Injectable, Logger } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { Clock } from '#cache';
import { newRecoveryCodes, recoveryCodeHash } from './recovery-code.js';
import { SecretCipher } from '#crypto';
import { SecondFactorAlreadyOn, SecondFactorNotOn, SecondFactorNotStarted } from './errors.js';
import { newTotpSecret, totpSecretText, totpStep, totpUri } from './totp.js';

const USE = 'second factor';

/** What an authenticator app needs. Shown once. */
export interface Enrolment {
  /** Base32. */
  readonly secret: string;
  readonly uri: string;
}

/** Codes of authenticator apps (RFC 6238) and recovery codes. Callers decide who may use them. */
@Injectable()
export class TwoFactorCodes {
  private readonly logger = new Logger('TwoFactorCodes');

  constructor(
    private readonly store: TwoFactorStore,
    private readonly box: SecretCipher,
    private readonly clock: Clock,
    private readonly settings: Settings,
  ) {}

  status(userId: string): Promise<TwoFactorStatus> {
    return this.store.status(userId);
  }

  async isOn(userId: string): Promise<boolean> {
    return (await this.store.secret(userId))?.isConfirmed ?? false;
  }

  /**
   * @param verifiedHash the stored hash that the password was verified against
   * @returns `undefined` if the hash is no longer the stored one
   * @throws SecondFactorAlreadyOn
   */
  async begin({ id, email }: CachedUser, verifiedHash: string): Promise<Enrolment | undefined> {
    const bytes = newTotpSecret();
    const envelope = this.box.encrypt(bytes, { userId: id, use: USE });
    const beginning = await this.store.begin(id, envelope, verifiedHash);
    if (beginning === 'refused') return undefined;
    if (beginning === 'on already') throw new SecondFactorAlreadyOn();
    const secret = totpSecretText(bytes);
    return { secret, uri: totpUri({ issuer: this.settings.jwtIssuer, account: email, secret }) };
  }

  /**
   * Turns the second factor on: the code proves that the app has the secret.
   *
   * @returns the recovery codes, which are not shown again; `undefined` if the code is wrong
   * @throws SecondFactorAlreadyOn, SecondFactorNotStarted, UnknownEncryptionKey, UnreadableSecret
   */
  async confirm(userId: string, code: string): Promise<string[] | undefined> {
    const stored = await this.store.secret(userId);
    if (!stored) throw new SecondFactorNotStarted();
    if (stored.isConfirmed) throw new SecondFactorAlreadyOn();
    const step = this.#stepOf(userId, stored.envelope, code);
    if (step === undefined) return undefined;
    const codes = newRecoveryCodes();
    const confirmed = await this.store.confirm(userId, stored.envelope, step, codes.map(hashOf));
    if (!confirmed) throw await this.#meanwhile(userId);
    return codes;
  }

  /**
   * Checks a code of the app or a recovery code, and uses it up. Always `false` without a second factor.
   *
   * @throws UnknownEncryptionKey, UnreadableSecret
   */
  async accepts(userId: string, code: string): Promise<boolean> {
    const codeHash = recoveryCodeHash(code);
    if (codeHash) return this.store.useRecoveryCode(userId, codeHash);
    const stored = await this.store.secret(userId);
    if (!stored?.isConfirmed) return false;
    const { envelope } = stored;
    const step = this.#stepOf(userId, envelope, code);
    if (step === undefined || !(await this.store.useStep(userId, step))) return false;
    await this.#reseal(userId, envelope);
    return true;
  }

  /** @throws SecondFactorNotOn */
  async renewRecoveryCodes(userId: string): Promise<string[]> {
    const codes = newRecoveryCodes();
    if (!(await this.store.replaceRecoveryCodes(userId, codes.map(hashOf)))) throw new SecondFactorNotOn();
    return codes;
  }

  /**
   * Does nothing without a second factor.
   *
   * @param manager of the transaction to join
   */
  async remove(userId: string, manager?: EntityManager): Promise<void> {
    await this.store.remove(userId, manager);
  }

  /** A concurrent request confirmed, or began anew. */
  async #meanwhile(userId: string): Promise<Error> {
    return (await this.isOn(userId)) ? new SecondFactorAlreadyOn() : new SecondFactorNotStarted();
  }

  #stepOf(userId: string, envelope: Buffer, code: string): number | undefined {
    // Apps show spaces in codes, and users copy them.
    return totpStep(this.#open(userId, envelope), code.replace(/[\s-]/g, ''), this.clock.wallMs());
  }

  #open(userId: string, envelope: Buffer): Buffer {
    try {
      return this.box.decrypt(envelope, { userId, use: USE });
    } catch (error) {
      this.logger.error(
        `The second factor of user ${userId} cannot be decrypted. ${(error as Error).message}`,
      );
      throw error;
    }
  }

  /** Encrypts the secret with the newest key while it is at hand, so that older keys can be retired. */
  async #reseal(userId: string, envelope: Buffer): Promise<void> {
    if (!this.box.isOutdated(envelope)) return;
    const anew = this.box.encrypt(this.#open(userId, envelope), { userId, use: USE });
    await this.store.reencrypt(userId, envelope, anew).catch(() => undefined); // the next login tries again
  }
}

function hashOf(code: string): Buffer {
  return recoveryCodeHash(code)!;
}
