import { Logger } from '@nestjs/common';
import { type Settings } from '#config';
import { type Clock, SystemClock } from '#cache';
import { waitAtMost } from '#runtime';
import { KeyDirectory } from './key-directory.js';
import { type KeyRing } from './key-ring.js';
import { POLL_AT_MOST_EVERY_MS } from './rotation-times.js';
import { keyFromSecret, type SigningKey } from './signing-key.js';

/** How long a request with an unknown key id waits for a poll, because the file system may hang. */
const PATIENCE_MS = 500;

type KeySettings = Pick<Settings, 'jwtSecrets' | 'jwtKeysDir' | 'accessTokenTtlSeconds'>;

/** The current keys of a process that runs on while they change. */
export class SigningKeys {
  private readonly logger = new Logger('SigningKeys');
  private byId: ReadonlyMap<string, SigningKey>;
  private pending: Promise<void> | undefined;
  private polledAt = -Infinity;
  private complaint = '';

  private constructor(
    private ring: KeyRing,
    /** `undefined` if the keys never change. */
    private readonly poll?: () => Promise<{ ring: KeyRing; errors: readonly Error[] }>,
  ) {
    this.byId = byId(ring);
  }

  /**
   * From `JWT_SECRET` if set, else from the files of `JWT_KEYS_DIR`, where a first key is created if there is none.
   * @throws KeyFileUnusable, KeyDirectoryUnusable, KeyStateUnusable
   */
  static async load(
    { jwtSecrets, jwtKeysDir, accessTokenTtlSeconds }: KeySettings,
    clock: Clock = new SystemClock(),
  ): Promise<SigningKeys> {
    const [current, ...previous] = jwtSecrets.map(keyFromSecret);
    if (current) return new SigningKeys({ current, next: [], previous });

    const directory = new KeyDirectory(jwtKeysDir);
    const options = (): { nowMs: number; tokenLifeMs: number } => ({
      nowMs: clock.wallMs(),
      tokenLifeMs: accessTokenTtlSeconds * 1000,
    });
    const { ring } = await directory.load(options());
    return new SigningKeys(ring, () => directory.poll(options()));
  }

  /** The key that signs. */
  get current(): SigningKey {
    return this.ring.current;
  }

  /** All keys that verify, the current one first. */
  all(): Iterable<SigningKey> {
    return this.byId.values();
  }

  /** A key that verifies now. */
  get(kid: string): SigningKey | undefined {
    return this.byId.get(kid);
  }

  /**
   * A key that verifies now, after a poll if it is unknown: another instance may be ahead. Made-up ids cost at most
   * one poll a second.
   */
  async find(kid: string): Promise<SigningKey | undefined> {
    const known = this.get(kid);
    if (known || !this.poll) return known;
    const recent = performance.now() - this.polledAt < POLL_AT_MOST_EVERY_MS;
    if (this.pending === undefined && recent) return undefined;

    await waitAtMost(PATIENCE_MS, this.refresh());
    return this.get(kid);
  }

  /** Polls the directory, one poll at a time. Unreadable files are logged, and change nothing. */
  async refresh(): Promise<void> {
    if (!this.poll) return;
    this.pending ??= this.readAgain(this.poll).finally(() => (this.pending = undefined));
    await this.pending;
  }

  private async readAgain(poll: NonNullable<typeof this.poll>): Promise<void> {
    this.polledAt = performance.now();
    try {
      const { ring, errors } = await poll();
      const before = this.current.kid;
      this.ring = ring;
      this.byId = byId(ring);
      if (this.current.kid !== before) this.logger.log(`The key ${this.current.kid} signs from now on.`);
      this.complain(errors);
    } catch (error) {
      this.complain([error as Error]);
    }
  }

  /** Logs each problem once, not at every poll. */
  private complain(errors: readonly Error[]): void {
    const complaint = errors.map(({ message }) => message).join(' ');
    if (complaint === this.complaint) return;
    this.complaint = complaint;
    if (complaint) this.logger.error(`${complaint} The keys that were read before are kept.`);
    else this.logger.log('The directory of signing keys can be used again.');
  }
}

function byId({ current, next, previous }: KeyRing): ReadonlyMap<string, SigningKey> {
  const keys = [current, ...next.map(({ key }) => key), ...previous];
  return new Map(keys.map((key) => [key.kid, key]));
}
