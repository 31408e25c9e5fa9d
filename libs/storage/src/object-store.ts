/** A thing in the store, without what is in it. */
export interface StoredName {
  readonly name: string;
  /** Milliseconds since 1970, by the clock of whatever keeps it. */
  readonly writtenAt: number;
}

/**
 * Bytes under names. What is under a name stays as it is: whoever has another thing to keep gives it another name, so
 * that it does not matter to anybody whether a name that is put again is written again.
 * Names are made by the service and have the shape of `OBJECT_NAME`. The class is the DI token.
 *
 * @throws StorageUnavailable from every method
 */
export abstract class ObjectStore {
  /**
   * Resolves when the bytes outlive a crash. That they are there already is no fault. After a failure there is
   * nothing under that name, as far as it can be helped; over a network they may yet arrive.
   */
  abstract put(name: string, bytes: Uint8Array): Promise<void>;

  /** `undefined`: there is none. */
  abstract get(name: string): Promise<Buffer | undefined>;

  /** That there is none is no fault: then it was done before. */
  abstract delete(name: string): Promise<void>;

  /** All names that begin with `folder/`, in no order. */
  abstract list(folder: string): Promise<StoredName[]>;
}

/** One folder at most; no dots but before the kind of file, so that no name leads out of the store. */
export const OBJECT_NAME = /^(?:[a-z0-9-]+\/)?[a-z0-9-]+(?:\.[a-z0-9]+)?$/;

/** The disk is full, read-only or gone, or the server that keeps the files does not answer. It may be tried again. */
export class StorageUnavailable extends Error {
  override readonly name = 'StorageUnavailable';
  readonly code = 'storage.unavailable';

  constructor(cause: unknown) {
    super('Files cannot be kept or read at the moment.', { cause });
  }
}
