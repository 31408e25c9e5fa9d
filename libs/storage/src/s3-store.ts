import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { type OnApplicationShutdown } from '@nestjs/common';
import { addAbortSignal, type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { OBJECT_NAME, ObjectStore, StorageUnavailable, type StoredName } from './object-store.js';

export interface S3Options {
  bucket: string;
  /** Before all names; empty or ending with `/`. */
  prefix: string;
  /** An origin, whose buckets are addressed by path; `undefined`: AWS. */
  endpoint: string | undefined;
  region: string;
}

/** Attempts and body included: below the 2 s in which every request is answered. */
const TIMEOUT_MS = 1_400;

/** When all are taken, a request waits, within the same time. */
const MAX_SOCKETS = 32;

/**
 * Objects in a bucket of AWS or of a compatible server. The SDK looks for credentials in its usual places: environment,
 * shared files, roles of a container, machine or pod.
 *
 * Only this process reads and writes: no object is public, and no client learns its address.
 */
export class S3Store extends ObjectStore implements OnApplicationShutdown {
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: S3Client;

  constructor({ bucket, prefix, endpoint, region }: S3Options) {
    super();
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#client = new S3Client({
      region,
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      maxAttempts: 2, // for a connection that the server had just closed; more would not fit into the time
      requestHandler: {
        httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
        httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      },
      // By default the SDK sends checksums as trailers, which many compatible servers refuse.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  put(name: string, bytes: Uint8Array): Promise<void> {
    const object = this.#object(name);
    return inTime(async (abortSignal) => {
      await this.#client.send(new PutObjectCommand({ ...object, Body: bytes }), { abortSignal });
    });
  }

  get(name: string): Promise<Buffer | undefined> {
    const object = this.#object(name);
    return inTime(async (abortSignal) => {
      const answer = await this.#client
        .send(new GetObjectCommand(object), { abortSignal })
        .catch(undefinedIfAbsent);
      return answer && buffer(addAbortSignal(abortSignal, answer.Body as Readable));
    });
  }

  delete(name: string): Promise<void> {
    const object = this.#object(name);
    return inTime(async (abortSignal) => {
      await this.#client.send(new DeleteObjectCommand(object), { abortSignal }).catch(undefinedIfAbsent);
    });
  }

  /** Page by page, each within the time of one operation. */
  async list(folder: string): Promise<StoredName[]> {
    const { Bucket, Key } = this.#object(`${folder}/any`);
    const names: StoredName[] = [];
    let ContinuationToken: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        Bucket,
        Prefix: Key.slice(0, -'any'.length),
        ContinuationToken,
      });
      const page = await inTime((abortSignal) => this.#client.send(command, { abortSignal }));
      for (const { Key: key = '', LastModified } of page.Contents ?? []) {
        const name = key.slice(this.#prefix.length);
        // A console that makes folders leaves objects called `folder/`.
        if (OBJECT_NAME.test(name) && LastModified) names.push({ name, writtenAt: LastModified.getTime() });
      }
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
    return names;
  }

  onApplicationShutdown(): void {
    this.#client.destroy();
  }

  #object(name: string): { Bucket: string; Key: string } {
    if (!OBJECT_NAME.test(name)) throw new RangeError('No such name can be in the store.');
    return { Bucket: this.#bucket, Key: this.#prefix + name };
  }
}

/** Ends in time even where the SDK ignores the signal: while it fetches credentials. */
function inTime<T>(work: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(new StorageUnavailable(cause));
    const ends = new AbortController();
    const timer = setTimeout(() => {
      ends.abort();
      fail(new Error(`The object storage did not answer within ${TIMEOUT_MS} ms.`));
    }, TIMEOUT_MS);
    void work(ends.signal)
      .then(resolve, fail)
      .finally(() => clearTimeout(timer));
  });
}

/** A missing bucket (`NoSuchBucket`) is an error, unlike a missing object. */
function undefinedIfAbsent(error: unknown): undefined {
  if ((error as Error).name !== 'NoSuchKey') throw error;
}
