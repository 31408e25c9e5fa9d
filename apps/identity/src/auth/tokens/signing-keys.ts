import { type Settings } from '#config';

import { KeyDirectory } from './key-directory.js';
import { keyFromSecret, type SigningKey } from './signing-key.js';

/** The keys of this process, read once at start. */
export class SigningKeys {
  private readonly byId: ReadonlyMap<string, SigningKey>;

  private constructor(
    /** The one that signs. */
    readonly current: SigningKey,
    keys: readonly SigningKey[],
  ) {
    this.byId = new Map(keys.map((key) => [key.kid, key]));
  }

  /**
   * From `JWT_SECRET` where it is set, else from the files of `JWT_KEYS_DIR`, where a first key is made when there is none.
   * @throws KeyFileUnusable, KeyDirectoryUnusable
   */
  static async load({
    jwtSecret,
    jwtKeysDir,
  }: Pick<Settings, 'jwtSecret' | 'jwtKeysDir'>): Promise<SigningKeys> {
    const keys =
      jwtSecret === undefined ? await new KeyDirectory(jwtKeysDir).load() : [keyFromSecret(jwtSecret)];
    const [newest] = keys;
    if (!newest) throw new Error('No signing key.');
    return new SigningKeys(newest, keys);
  }

  /** All that verify, the current one among them. */
  all(): Iterable<SigningKey> {
    return this.byId.values();
  }

  get(kid: string): SigningKey | undefined {
    return this.byId.get(kid);
  }
}
