/** The disk is full, read-only or gone, or the server that keeps the files does not answer. It may be tried again. */
export class StorageUnavailable extends Error {
  override readonly name = 'StorageUnavailable';
  readonly code = 'storage.unavailable';

  constructor(cause: unknown) {
    super('Files cannot be kept or read at the moment.', { cause });
  }
}
