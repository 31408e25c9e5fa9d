import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { type IncomingHttpHeaders } from 'node:http';
import { AppError, DuplicateField } from '#http';
import { AvatarTooLarge } from './avatar-errors.js';

export const MAX_FILE_BYTES = 5 * 1024 * 1024;
/** With boundaries, the headers of parts, and other fields. */
export const MAX_BODY_BYTES = MAX_FILE_BYTES + 64 * 1024;
/** After the last byte the parser waits for no input: it finishes within a few turns of the event loop, or never. */
const FINISH_TIMEOUT_MS = 1_000;

const LIMITS = {
  files: 1,
  fields: 16,
  parts: 17,
  fieldNameSize: 100,
  fieldSize: 1024,
  headerPairs: 16,
  fileSize: MAX_FILE_BYTES,
};

/** No boundary, a boundary that never comes, malformed headers, or a body that ends too early. */
export class InvalidMultipart extends AppError {
  readonly code = 'request.invalid_multipart';

  constructor(cause: unknown) {
    super('The body is not a complete multipart/form-data document.', { cause });
  }
}

/** Finds the file in one part of a multipart/form-data body (RFC 7578). Fields are ignored. */
export class MultipartParser {
  readonly #busboy: BusboyInstance;
  readonly #chunks: Buffer[] = [];
  readonly #finished = new Promise<void>((resolve) => (this.#finish = resolve));
  #finish!: () => void;
  #failure: Error | undefined;
  #isEmpty = true;
  #file: Buffer | undefined;

  /**
   * @param field the name of the part
   * @throws InvalidMultipart without a boundary
   */
  constructor(
    headers: IncomingHttpHeaders,
    private readonly field: string,
  ) {
    this.#busboy = busboyFor(headers);
    this.#busboy
      .on('file', (name: string | undefined, stream) => this.#collect(name, stream))
      .on('field', (name: string | undefined) => this.#refuseName(name))
      .on('filesLimit', () => this.#fail(new DuplicateField(['body', field])))
      .on('fieldsLimit', () => this.#fail(new InvalidMultipart('too many fields')))
      .on('partsLimit', () => this.#fail(new InvalidMultipart('too many parts')))
      .on('error', (error) => this.#fail(new InvalidMultipart(error)))
      .on('finish', this.#finish);
  }

  /** @throws InvalidMultipart, DuplicateField with two files, AvatarTooLarge */
  write(chunk: Buffer): void {
    this.#isEmpty = false;
    this.#busboy.write(chunk);
    if (this.#failure) throw this.#failure;
  }

  /**
   * After the last byte.
   *
   * @returns `undefined` when there is no such file
   * @throws as `write()` does
   */
  async end(): Promise<Buffer | undefined> {
    if (this.#isEmpty) return undefined;
    const timer = setTimeout(() => this.#fail(new InvalidMultipart('it never ends')), FINISH_TIMEOUT_MS);
    this.#busboy.end();
    await this.#finished;
    clearTimeout(timer);
    if (this.#failure) throw this.#failure;
    return this.#file;
  }

  #collect(name: string | undefined, stream: BusboyFileStream): void {
    this.#refuseName(name);
    stream.on('error', (error) => this.#fail(new InvalidMultipart(error)));
    stream.on('limit', () => this.#fail(new AvatarTooLarge(MAX_FILE_BYTES)));
    stream.on('data', (chunk: Buffer) => void (name === this.field && this.#chunks.push(chunk)));
    stream.on('end', () => {
      if (name === this.field) this.#file = Buffer.concat(this.#chunks.splice(0));
    });
  }

  #refuseName(name: string | undefined): void {
    if (name !== undefined && name in Object.prototype) this.#fail(new InvalidMultipart('a forbidden name'));
  }

  #fail(failure: Error): void {
    this.#failure ??= failure;
    this.#chunks.length = 0;
    this.#finish();
  }
}

function busboyFor(headers: IncomingHttpHeaders): BusboyInstance {
  try {
    // @fastify/busboy 3.2.6 never finishes when it skips a part of `highWaterMark` bytes and the closing boundary comes
    // in the same read: it waits for a reader, and a skipped part has none. No body reaches this mark.
    return new Busboy({ headers: headers as BusboyHeaders, limits: LIMITS, fileHwm: 2 * MAX_BODY_BYTES });
  } catch (error) {
    throw new InvalidMultipart(error);
  }
}
