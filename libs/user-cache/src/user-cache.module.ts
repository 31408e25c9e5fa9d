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
import { UserCache, type UserCacheOptions } from './user-cache.js';
import { UserDirectory } from './user-directory.js';
import { UserStore } from './user-store.js';

/** `UserCache`, `UserStore` and `UserDirectory` for the whole application, over the pool of `DatabaseModule`. */
@Module({})
export class UserCacheModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(UserCache) private readonly cache: UserCache) {}

  static forRoot(options: UserCacheOptions): DynamicModule {
    const logger = new Logger('UserCache');
    const inject = [getDataSourceToken()];
    return {
      module: UserCacheModule,
      global: true,
      providers: [
        {
          provide: UserCache,
          inject,
          useFactory: (dataSource: DataSource) =>
            new UserCache(dataSource, new SystemClock(), {
              onNotice: (level, notice) => logger[level === 'info' ? 'log' : level](notice),
              ...options,
            }),
        },
        {
          provide: UserStore,
          inject: [...inject, UserCache],
          useFactory: (dataSource: DataSource, cache: UserCache) => new UserStore(dataSource, cache),
        },
        {
          provide: UserDirectory,
          inject,
          useFactory: (dataSource: DataSource) => new UserDirectory(dataSource),
        },
      ],
      exports: [UserCache, UserStore, UserDirectory],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.cache.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.cache.stop();
  }
}
