import { type DynamicModule, Module } from '@nestjs/common';
import { accountsSchema, AccountsModule } from '#accounts';
import { Settings } from '#config';
import { DatabaseModule } from '#database';
import { cacheOptions, databaseOptions, sessionLimits } from './options.js';

/** What the service and its commands need: the settings, the database, and accounts with their cache. */
export function coreModules(settings: Settings, databaseUrl: string): DynamicModule[] {
  return [
    SettingsModule.forRoot(settings),
    DatabaseModule.forRoot(databaseOptions(settings, databaseUrl), accountsSchema),
    AccountsModule.forRoot({
      cache: () => cacheOptions(settings, databaseUrl),
      sessions: sessionLimits(settings),
    }),
  ];
}

/** Provides the settings to every module. */
@Module({})
class SettingsModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: SettingsModule,
      global: true,
      providers: [{ provide: Settings, useValue: settings }],
      exports: [Settings],
    };
  }
}
