import { createCipheriv, createDecipheriv, createHmac, type KeyObject, randomBytes } from 'node:crypto';

const VERSION = 1;
const KEY_ID_BYTES = 8;
const HEADER_BYTES = 1 + KEY_ID_BYTES;
/** NIST SP 800-38D, section 8.2.2: random ones of 96 bits are good for 2^32 encryptions with one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a secret is for. A row that is copied to another user or another column does not decrypt. */
export interface Purpose {
  readonly userId: string;
  readonly use: string;
}

interface Key {
  readonly id: Buffer;
  readonly key: KeyObject;
}

/**
 * Encrypts small secrets for the database: AES-256-GCM (NIST SP 800-38D). An envelope is version, key id, nonce,
 * ciphertext and tag; version, key id and purpose are authenticated with it.
 */
export class SecretCipher {
  readonly #keys: readonly [Key, ...Key[]];

  /** @param keys of 32 bytes, newest first: the first encrypts, all decrypt */
  constructor([newest, ...older]: readonly [KeyObject, ...KeyObject[]]) {
    this.#keys = [identified(newest), ...older.map(identified)];
  }

  encrypt(secret: Buffer, purpose: Purpose): Buffer {
    const [{ id, key }] = this.#keys;
    const header = Buffer.concat([Buffer.of(VERSION), id]);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(bound(header, purpose));
    return Buffer.concat([header, nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws UnknownEncryptionKey, UnreadableSecret */
  decrypt(envelope: Buffer, purpose: Purpose): Buffer {
    if (envelope.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || envelope[0] !== VERSION) {
      throw new UnreadableSecret();
    }
    const header = envelope.subarray(0, HEADER_BYTES);
    const nonce = envelope.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', this.#keyOf(header), nonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(bound(header, purpose)).setAuthTag(envelope.subarray(-TAG_BYTES));
    const secret = decipher.update(envelope.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES));
    try {
      return Buffer.concat([secret, decipher.final()]);
    } catch {
      throw new UnreadableSecret();
    }
  }

  /** Whether it was encrypted with an older key, which must stay listed until this is encrypted anew. */
  isOutdated(envelope: Buffer): boolean {
    return !envelope.subarray(1, HEADER_BYTES).equals(this.#keys[0].id);
  }

  #keyOf(header: Buffer): KeyObject {
    const id = header.subarray(1);
    const known = this.#keys.find((each) => each.id.equals(id));
    if (!known) throw new UnknownEncryptionKey(id.toString('hex'));
    return known.key;
  }
}

/** The id is the same in every instance and does not reveal the key. */
function identified(key: KeyObject): Key {
  return { key, id: createHmac('sha256', key).update('usher key id').digest().subarray(0, KEY_ID_BYTES) };
}

/** Neither part contains a NUL, so the bytes of no two purposes are equal. */
function bound(header: Buffer, { use, userId }: Purpose): Buffer {
  return Buffer.concat([header, Buffer.from(`${use}\0${userId}`)]);
}

/** The key is not listed: removed from `ENCRYPTION_KEY` too early, or not yet known to this instance. */
export class UnknownEncryptionKey extends Error {
  override readonly name = 'UnknownEncryptionKey';
  readonly code = 'encryption.unknown_key';

  /** @param keyId tells which, and nothing about the key */
  constructor(keyId: string) {
    super(`The key ${keyId} is not one of ENCRYPTION_KEY.`);
  }
}

/** The stored envelope is not what was encrypted: it is damaged, or copied from another user's row. */
export class UnreadableSecret extends Error {
  override readonly name = 'UnreadableSecret';
  readonly code = 'encryption.unreadable';

  constructor() {
    super('The stored secret was changed after its encryption.');
  }
}
