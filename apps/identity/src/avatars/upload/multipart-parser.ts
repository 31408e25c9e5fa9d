import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { type IncomingHttpHeaders } from 'node:http';
import { DuplicateField } from '#http';
import { AvatarTooLarge } from '../avatar-errors.js';
import { InvalidMultipart } from './invalid-multipart.js';

export const MAX_FILE_BYTES = 5 * 1024 * 1024;
/** With boundaries, headers of parts, and fields that nobody asked for. */
export const MAX_BODY_BYTES = MAX_FILE_BYTES + 64 * 1024;
/** Once it has the last byte the parser waits for nothing: it is through within a few turns, or never. */
const PATIENCE_MS = 1_000;

const LIMITS = {
  files: 1,
  fields: 16,
  parts: 17,
  fieldNameSize: 100,
  fieldSize: 1024,
  headerPairs: 16,
  fileSize: MAX_FILE_BYTES,
};

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
    const patience = setTimeout(() => this.#fail(new InvalidMultipart('it never ends')), PATIENCE_MS);
    this.#busboy.end();
    await this.#finished;
    clearTimeout(patience);
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
    // A part of `highWaterMark` bytes that it skips makes @fastify/busboy 3.2.6 wait for a reader that the part does
    // not have: with the closing boundary in the same read it never finishes. No body reaches this one.
    return new Busboy({ headers: headers as BusboyHeaders, limits: LIMITS, fileHwm: 2 * MAX_BODY_BYTES });
  } catch (error) {
    throw new InvalidMultipart(error);
  }
}
