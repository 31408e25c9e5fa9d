/** Encrypted with a key that is not listed: taken out of `ENCRYPTION_KEY` too early, or not come to this instance yet. */
export class UnknownEncryptionKey extends Error {
  override readonly name = 'UnknownEncryptionKey';
  readonly code = 'encryption.unknown_key';

  /** @param keyId tells which, and nothing about the key */
  constructor(keyId: string) {
    super(`The key ${keyId} is not one of ENCRYPTION_KEY.`);
  }
}

/** What is stored is not what was encrypted: damaged, or copied from the row of somebody else. */
export class UnreadableSecret extends Error {
  override readonly name = 'UnreadableSecret';
  readonly code = 'encryption.unreadable';

  constructor() {
    super('What is stored was changed after it had been encrypted.');
  }
}
