import { readSettings } from '#config';
import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { createHttpAdapter } from '#http';
import { type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { join } from 'node:path';
import supertest from 'supertest';
import { AppModule } from '../../../apps/identity/src/bootstrap/app.module.js';
import { createApp } from '../../../apps/identity/src/bootstrap/create-app.js';
import { createTestDatabase, type TestDatabase } from '../postgres/test-database.js';
import { makeTestDirectory } from '../process/test-directory.js';

export interface TestAppOptions {
  /** Shared by the instances of one test; a new one of its own unless given. */
  database?: TestDatabase;
  /** Where the app reaches that database, when it is to go through a proxy. */
  databaseUrl?: string;
  /** Variables on top of those that make tests fast. */
  env?: NodeJS.ProcessEnv;
  /** Routes of the test, beside those of the application. */
  controllers?: Type[];
}

class TestRoutes {}

/** One instance of Usher in this process, listening on a free port, on a real PostgreSQL. */
export class TestApp {
  private constructor(
    readonly app: NestFastifyApplication,
    readonly url: string,
    readonly database: TestDatabase,
    /** Directory of the signing keys, unless `env` sets JWT_SECRET. */
    readonly keysDir: string,
    private readonly ownsDatabase: boolean,
  ) {}

  static async start({
    database,
    databaseUrl,
    env = {},
    controllers = [],
  }: TestAppOptions = {}): Promise<TestApp> {
    const itsDatabase = database ?? (await createTestDatabase());
    await migrate(itsDatabase.url, accountsSchema);
    const directory = process.env.USHER_TEST_DIRECTORY ?? (await makeTestDirectory());
    const settings = readSettings({
      NODE_ENV: 'test',
      BCRYPT_COST: '4',
      LOG_LEVEL: 'silent',
      // All of a test comes from one address.
      RATE_LIMIT_FACTOR: '1000000',
      // Mails and pictures of tests do not belong in the checkout.
      DATA_DIR: directory,
      // One directory for the run: instances must accept each other's tokens.
      JWT_KEYS_DIR: join(directory, 'keys'),
      ...env,
    });
    const url = databaseUrl ?? itsDatabase.url;
    const app =
      controllers.length === 0
        ? await createApp(settings, url)
        : await NestFactory.create<NestFastifyApplication>(
            { module: TestRoutes, imports: [AppModule.forRoot(settings, url)], controllers },
            createHttpAdapter(settings),
            { logger: false },
          );
    await app.listen(0, '127.0.0.1');
    return new TestApp(app, await app.getUrl(), itsDatabase, settings.jwtKeysDir, database === undefined);
  }

  /** A request to this instance, over a real socket. */
  get http(): ReturnType<typeof supertest> {
    return supertest(this.url);
  }

  async stop(): Promise<void> {
    await this.app.close();
    if (this.ownsDatabase) await this.database.drop();
  }
}
