import { readdir } from 'node:fs/promises';
import { type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
// @ts-expect-error it has no types
import S3rver from 's3rver';
import { makeTestDirectory } from '../process/test-directory.js';

/** The only key that the server knows. It looks at the name of a key; V4 signatures it takes as they are. */
export const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };

const OBJECT = '._S3rver_object';

/** What is used of s3rver. */
interface Rver {
  readonly httpServer: Server;
  run(): Promise<AddressInfo>;
}

/** An object storage on loopback, with one empty bucket, that keeps everything in files. */
export class S3Server {
  private constructor(
    private readonly server: Rver,
    private readonly directory: string,
    readonly url: string,
  ) {}

  static async start(bucket: string): Promise<S3Server> {
    const directory = await makeTestDirectory();
    const configureBuckets = [{ name: bucket, configs: [] }];
    const server = new S3rver({
      address: '127.0.0.1',
      port: 0,
      silent: true,
      directory,
      configureBuckets,
    }) as Rver;
    const { port } = await server.run();
    return new S3Server(server, directory, `http://127.0.0.1:${port}`);
  }

  async keys(bucket: string, prefix: string): Promise<string[]> {
    const files = await readdir(join(this.directory, bucket), { recursive: true });
    return files
      .filter((file) => file.startsWith(prefix) && file.endsWith(OBJECT))
      .map((file) => file.slice(0, -OBJECT.length));
  }

  /** May be asked twice. */
  async stop(): Promise<void> {
    const { httpServer } = this.server;
    if (!httpServer.listening) return;
    const closed = new Promise((resolve) => httpServer.once('close', resolve));
    httpServer.close().closeAllConnections();
    await closed;
  }
}
