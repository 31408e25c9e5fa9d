import { rm } from 'node:fs/promises';
import { EmbeddedServer } from '#database';
import { signalServer } from './server-processes.js';
import { makeTestDirectory } from './test-directory.js';

/** A PostgreSQL of a test's own, to be broken at will. Its URL, port included, outlives restarts. */
export class PostgresServer {
  private constructor(
    private readonly directory: string,
    private readonly server: EmbeddedServer,
    /** Of the database `postgres`, which is empty. */
    readonly url: string,
  ) {}

  static async start(): Promise<PostgresServer> {
    const directory = await makeTestDirectory();
    const server = await EmbeddedServer.at(directory, { settings: { fsync: 'off' } });
    await server.make();
    await server.start();
    return new PostgresServer(directory, server, server.url('postgres'));
  }

  /** Ends all connections, then the server, in an orderly way. The data stay. */
  async stop(): Promise<void> {
    await this.server.stop();
  }

  /** Starts it again after `stop` or `kill`; returns when it answers. */
  async restart(): Promise<void> {
    await this.server.stop();
    await this.server.start();
    if (this.server.url('postgres') !== this.url)
      throw new Error('Another program took the port of the test server.');
  }

  /** As a power cut would: no process of it gets to say goodbye. */
  async kill(): Promise<void> {
    await this.signal('SIGKILL');
  }

  /** Connections stay open, new ones are accepted by the kernel, and nothing ever answers. */
  async freeze(): Promise<void> {
    await this.signal('SIGSTOP');
  }

  async resume(): Promise<void> {
    await this.signal('SIGCONT');
  }

  /** Kills it and removes its files. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  private async signal(signal: NodeJS.Signals): Promise<void> {
    await signalServer(this.server, signal);
  }
}
