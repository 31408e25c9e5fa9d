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
import { PersonalTokenCache } from './personal-tokens/personal-token-cache.js';
import { PersonalTokenStore } from './personal-tokens/personal-token-store.js';
import { SessionCache } from './sessions/session-cache.js';
import { type SessionLimits, SessionStore } from './sessions/session-store.js';
import { UserCache } from './users/user-cache.js';
import { UserDirectory } from './users/user-directory.js';
import { UserRemoval } from './users/user-removal.js';
import { UserStore } from './users/user-store.js';

export interface AccountsModuleOptions {
  /** Asked once, when the application is made. */
  cache: () => Promise<CoherenceOptions>;
  sessions: SessionLimits;
}

/** The caches and the stores, for the whole application, over the pool of `DatabaseModule`. */
@Module({})
export class AccountsModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(Coherence) private readonly coherence: Coherence) {}

  static forRoot({ cache, sessions: limits }: AccountsModuleOptions): DynamicModule {
    const logger = new Logger('UserCache');
    const clock = new SystemClock();
    const dataSource = getDataSourceToken();
    return {
      module: AccountsModule,
      global: true,
      providers: [
        {
          provide: Coherence,
          inject: [dataSource],
          useFactory: async (pool: DataSource) =>
            new Coherence(pool, clock, {
              onNotice: (level, notice) => logger[level === 'info' ? 'log' : level](notice),
              ...(await cache()),
            }),
        },
        {
          provide: UserCache,
          inject: [dataSource, Coherence],
          useFactory: (pool: DataSource, coherence: Coherence) => new UserCache(pool, clock, coherence),
        },
        {
          provide: SessionCache,
          inject: [dataSource, Coherence],
          useFactory: (pool: DataSource, coherence: Coherence) => new SessionCache(pool, clock, coherence),
        },
        {
          provide: PersonalTokenCache,
          inject: [dataSource, Coherence],
          useFactory: (pool: DataSource, coherence: Coherence) =>
            new PersonalTokenCache(pool, clock, coherence),
        },
        {
          provide: PersonalTokenStore,
          inject: [dataSource, PersonalTokenCache],
          useFactory: (pool: DataSource, cache: PersonalTokenCache) => new PersonalTokenStore(pool, cache),
        },
        {
          provide: UserStore,
          inject: [dataSource, UserCache],
          useFactory: (pool: DataSource, cache: UserCache) => new UserStore(pool, cache),
        },
        {
          provide: UserRemoval,
          inject: [dataSource, UserCache],
          useFactory: (pool: DataSource, cache: UserCache) => new UserRemoval(pool, cache),
        },
        {
          provide: SessionStore,
          inject: [dataSource, SessionCache],
          useFactory: (pool: DataSource, cache: SessionCache) => new SessionStore(pool, cache, limits),
        },
        {
          provide: UserDirectory,
          inject: [dataSource],
          useFactory: (pool: DataSource) => new UserDirectory(pool),
        },
      ],
      exports: [
        UserCache,
        UserRemoval,
        UserStore,
        UserDirectory,
        SessionCache,
        SessionStore,
        PersonalTokenCache,
        PersonalTokenStore,
      ],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.coherence.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.coherence.stop();
  }
}
