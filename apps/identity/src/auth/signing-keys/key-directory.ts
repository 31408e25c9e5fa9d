import { generateKeyPairSync } from 'node:crypto';
import {
  codeOf,
  KeyDirectoryUnusable,
  KeyFileUnusable,
  KeyStateUnusable,
  SharedDirectory,
  NEITHER_READABLE_NOR_CREATABLE,
} from '#crypto';
import { keyRing, type KeyRing, type PublishedKey, type RingOptions } from './key-ring.js';
import { readRotationState, type RotationState, stateFileName, stateNumber } from './rotation-state.js';
import { keyFromPem, type SigningKey } from './signing-key.js';

const CANDIDATE = '.first-key';
/** A listing may miss a file that appears meanwhile; the next one has it. */
const LISTINGS = 3;
/** The candidate goes once another instance has published it; the next listing shows that. */
const ELECTIONS = 10;

type KeyError = KeyDirectoryUnusable | KeyFileUnusable | KeyStateUnusable;

/** The result of one poll. */
export interface DirectoryContents {
  readonly keys: readonly PublishedKey[];
  readonly ring: KeyRing;
  /** `undefined` if no key was ever rotated here. */
  readonly state: RotationState | undefined;
  /** 0 without a state. */
  readonly stateNumber: number;
  /** Files without a readable key. */
  readonly errors: readonly KeyError[];
}

/**
 * A directory of ES256 private keys, `<kid>.pem`, and of states, `rotation-<n>.json`, which say which key signs.
 * Several instances may share it. Files are only added and removed, never renamed, so that no listing can miss a key
 * in use.
 *
 * Instances that start together on an empty directory end with the same key, without locks or time-outs, even if one
 * dies in between. The first key is elected by `link()`, which creates the whole file or fails:
 *
 * 1. no `*.pem`: link a fresh key to the fixed name `.first-key`; if that fails, take the key that is there
 * 2. list `*.pem` once more; only if there is still none, link the elected key to its own name
 * 3. remove `.first-key`
 *
 * `.first-key` is removed only after a `*.pem` is listed. Until the first `*.pem` appears there is one candidate, and
 * every instance publishes that one. Later candidates lose at step 2.
 */
export class KeyDirectory {
  readonly files: SharedDirectory;
  private readonly known = new Map<string, { etag: string; key: PublishedKey }>();

  constructor(path: string) {
    this.files = new SharedDirectory(path);
  }

  /**
   * For a start, which is strict: every key file must be readable. Creates a first key if there is none.
   * @throws KeyFileUnusable, KeyDirectoryUnusable, KeyStateUnusable
   */
  async load(options: RingOptions): Promise<DirectoryContents> {
    try {
      if ((await this.keyFiles()).length === 0) await this.elect();
    } catch (error) {
      throw this.explained(error);
    }
    const contents = await this.poll(options);
    const [error] = contents.errors;
    if (error) throw error;
    return contents;
  }

  /**
   * For a directory in use. A key file that becomes unreadable keeps its last key until it is removed.
   * @throws KeyDirectoryUnusable, KeyStateUnusable, KeyFileUnusable if the signing key cannot be determined
   */
  async poll(options: RingOptions): Promise<DirectoryContents> {
    try {
      for (let listing = 1; ; listing++) {
        const names = await this.files.names();
        const { keys, errors } = await this.keysOf(names);
        const number = Math.max(0, ...names.map((name) => stateNumber(name) ?? 0));
        const state = number === 0 ? undefined : await this.readState(number);
        const ring = keyRing(keys, state, options);
        if (ring && (number === 0 || state)) return { keys, ring, state, stateNumber: number, errors };
        if (listing < LISTINGS) continue;
        if (errors[0]) throw errors[0];
        if (number === 0) throw new KeyDirectoryUnusable(this.files.path, 'there is no key in it');
        throw new KeyStateUnusable(this.files.file(stateFileName(number)), 'the key that signs is not there');
      }
    } catch (error) {
      throw this.explained(error);
    }
  }

  /** Publishes a key file; from then on every instance accepts the key. @returns its id */
  async publish(pem: string): Promise<string> {
    const { kid } = keyFromPem(pem);
    await this.files.appear(`${kid}.pem`, () => pem);
    return kid;
  }

  async remove(kid: string): Promise<void> {
    for (const [name, { key }] of this.known) if (key.key.kid === kid) await this.files.remove(name);
  }

  /** Resolves once there is a key file. */
  private async elect(): Promise<void> {
    await this.files.make();
    for (let round = 0; (await this.keyFiles()).length === 0; round++) {
      if (round === ELECTIONS)
        throw new KeyFileUnusable(this.files.file(CANDIDATE), NEITHER_READABLE_NOR_CREATABLE);
      await this.files.appear(CANDIDATE, generatePem);
      const elected = await this.files.read(CANDIDATE);
      if (elected && (await this.keyFiles()).length === 0) {
        const candidate = this.files.file(CANDIDATE);
        const { kid } = readKey(candidate, elected);
        await this.files.link(candidate, `${kid}.pem`);
      }
    }
    await this.files.remove(CANDIDATE);
  }

  private async keyFiles(): Promise<string[]> {
    return (await this.files.names()).filter(isKeyFile);
  }

  /** One after the other: on a file system that hangs, they block one thread of the pool, not all of them. */
  private async keysOf(names: readonly string[]): Promise<{ keys: PublishedKey[]; errors: KeyError[] }> {
    const errors: KeyError[] = [];
    const keys = new Map<string, PublishedKey>();
    for (const name of names.filter(isKeyFile)) {
      const read = await this.readIfChanged(name).catch((error: unknown) => {
        if (!(error instanceof KeyFileUnusable)) throw error;
        errors.push(error);
        return this.known.get(name)?.key;
      });
      const twin = read && keys.get(read.key.kid);
      if (read && !(twin && twin.publishedAt <= read.publishedAt)) keys.set(read.key.kid, read);
    }
    for (const name of this.known.keys()) if (!names.includes(name)) this.known.delete(name);
    return { keys: [...keys.values()], errors };
  }

  /** `undefined` if the file is gone. The same key object while the file stays the same. */
  private async readIfChanged(name: string): Promise<PublishedKey | undefined> {
    const path = this.files.file(name);
    try {
      const version = await this.files.version(name);
      const known = this.known.get(name);
      if (known && known.etag === version?.etag) return known.key;
      const pem = version && (await this.files.read(name));
      if (!pem) return undefined;
      const key = { key: readKey(path, pem), publishedAt: version.writtenAt };
      this.known.set(name, { etag: version.etag, key });
      return key;
    } catch (error) {
      if (error instanceof KeyFileUnusable) throw error;
      throw new KeyFileUnusable(path, `it cannot be read (${codeOf(error) ?? 'unknown error'})`);
    }
  }

  /** `undefined` if the file is gone, because there are newer ones. */
  private async readState(number: number): Promise<RotationState | undefined> {
    const name = stateFileName(number);
    const text = await this.files.read(name);
    if (!text) return undefined;
    const state = readRotationState(text.toString());
    if (!state) throw new KeyStateUnusable(this.files.file(name), 'it is not what rotate-key writes');
    return state;
  }

  private explained(error: unknown): KeyError {
    const ours =
      error instanceof KeyFileUnusable ||
      error instanceof KeyStateUnusable ||
      error instanceof KeyDirectoryUnusable;
    return ours ? error : new KeyDirectoryUnusable(this.files.path, error);
  }
}

/** Makes a P-256 private key. */
export function generatePem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

function isKeyFile(name: string): boolean {
  return name.endsWith('.pem') && !name.startsWith('.');
}

function readKey(path: string, pem: Buffer): SigningKey {
  try {
    return keyFromPem(pem);
  } catch (error) {
    throw new KeyFileUnusable(path, error instanceof TypeError ? error.message : 'it cannot be read');
  }
}
