/** A file in the key directory is no key for us. Names the file; what is in it stays there. */
export class KeyFileUnusable extends Error {
  override readonly name = 'KeyFileUnusable';
  readonly code = 'auth.key_file_unusable';

  constructor(path: string, why: string) {
    super(`The signing key ${path} cannot be used: ${why}.`);
  }
}

/** Its name is taken, and there is nothing to read. */
export const THERE_AND_NOT = 'it can be neither read nor made, as a link to nowhere';

/** The key directory can't be read, or no first key can be made in it. */
export class KeyDirectoryUnusable extends Error {
  override readonly name = 'KeyDirectoryUnusable';
  readonly code = 'auth.key_directory_unusable';

  constructor(path: string, cause: unknown) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    super(`The directory of signing keys ${path} cannot be used (${why}).`, { cause });
  }
}

/** What the directory says about which key signs is not to be understood, or names a key that is not there. */
export class KeyStateUnusable extends Error {
  override readonly name = 'KeyStateUnusable';
  readonly code = 'auth.key_state_unusable';

  constructor(path: string, why: string) {
    super(`The state of the signing keys ${path} cannot be used: ${why}.`);
  }
}
