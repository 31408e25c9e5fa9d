/** An object in the store, without its content. */
export interface StoredName {
  readonly name: string;
  /** Milliseconds since 1970, by the store's clock. */
  readonly writtenAt: number;
}

/**
 * Immutable objects by name. New content gets a new name, so it does not matter whether a repeated `put` writes again.
 * Names are made by the service and have the shape of `OBJECT_NAME`. The class is the DI token.
 *
 * @throws StorageUnavailable from every method
 */
export abstract class ObjectStore {
  /**
   * Resolves when the bytes are durable. An existing object is no error. After a failure there is no object of that name,
   * unless the bytes arrive late over a network.
   */
  abstract put(name: string, bytes: Uint8Array): Promise<void>;

  /** `undefined`: there is none. */
  abstract get(name: string): Promise<Buffer | undefined>;

  /** A missing object is no error. */
  abstract delete(name: string): Promise<void>;

  /** All names that begin with `folder/`, in no order. */
  abstract list(folder: string): Promise<StoredName[]>;
}

/** One folder at most, and a dot only before the extension, so that no name leads out of the store. */
export const OBJECT_NAME = /^(?:[a-z0-9-]+\/)?[a-z0-9-]+(?:\.[a-z0-9]+)?$/;

/** The disk is full, read-only or gone, or the object storage does not answer. Retrying may help. */
export class StorageUnavailable extends Error {
  override readonly name = 'StorageUnavailable';
  readonly code = 'storage.unavailable';

  constructor(cause: unknown) {
    super('Files cannot be kept or read at the moment.', { cause });
  }
}
