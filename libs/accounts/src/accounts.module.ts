import { SystemClock } from '#cache';
import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import { type DataSource } from 'typeorm';
import { Coherence, type CoherenceOptions } from '#change-log';
import { CredentialStore } from './credentials/credential-store.js';
import { PersonalTokenCache } from './personal-tokens/personal-token-cache.js';
import { PersonalTokenStore } from './personal-tokens/personal-token-store.js';
import { SessionCache } from './sessions/session-cache.js';
import { type SessionLimits, SessionStore } from './sessions/session-store.js';
import { UserCache } from './users/user-cache.js';
import { UserDirectory } from './user-search/user-directory.js';
import { UserRemoval } from './users/user-removal.js';
import { UserStore } from './users/user-store.js';

export interface AccountsModuleOptions {
  /** Called once, when the application is created. */
  cache: () => Promise<CoherenceOptions>;
  sessions: SessionLimits;
}

/** Caches and stores for the whole application, over the pool of `DatabaseModule`. */
@Module({})
export class AccountsModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(Coherence) private readonly coherence: Coherence) {}

  static forRoot({ cache, sessions: limits }: AccountsModuleOptions): DynamicModule {
    const logger = new Logger('UserCache');
    const clock = new SystemClock();
    const coherence = {
      provide: Coherence,
      inject: [getDataSourceToken()],
      useFactory: async (dataSource: DataSource): Promise<Coherence> =>
        new Coherence(dataSource, clock, {
          onNotice: (level, notice) => logger[level === 'info' ? 'log' : level](notice),
          ...(await cache()),
        }),
    };
    const providers = [
      ...[UserCache, SessionCache, PersonalTokenCache].map((Cache) => ({
        provide: Cache,
        inject: [getDataSourceToken(), Coherence],
        useFactory: (dataSource: DataSource, coherence: Coherence) => new Cache(dataSource, clock, coherence),
      })),
      ...[UserStore, CredentialStore, UserRemoval].map((Store) => ({
        provide: Store,
        inject: [getDataSourceToken(), UserCache],
        useFactory: (dataSource: DataSource, cache: UserCache) => new Store(dataSource, cache),
      })),
      {
        provide: SessionStore,
        inject: [getDataSourceToken(), SessionCache],
        useFactory: (dataSource: DataSource, cache: SessionCache) =>
          new SessionStore(dataSource, cache, limits),
      },
      {
        provide: PersonalTokenStore,
        inject: [getDataSourceToken(), PersonalTokenCache],
        useFactory: (dataSource: DataSource, cache: PersonalTokenCache) =>
          new PersonalTokenStore(dataSource, cache),
      },
      {
        provide: UserDirectory,
        inject: [getDataSourceToken()],
        useFactory: (dataSource: DataSource) => new UserDirectory(dataSource),
      },
    ];
    return {
      module: AccountsModule,
      global: true,
      providers: [coherence, ...providers],
      exports: providers.map(({ provide }) => provide),
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.coherence.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.coherence.stop();
  }
}
