import { type Settings } from '#config';
import { DatabaseModule } from '#database';
import { accountsSchema, AccountsModule } from '#accounts';
import { type DynamicModule, Module } from '@nestjs/common';
import { AuditModule } from '../audit-log/audit.module.js';
import { PasswordsModule } from '../auth/passwords/passwords.module.js';
import { cacheOptions, databaseOptions, sessionLimits } from '../bootstrap/options.js';
import { SettingsModule } from '../bootstrap/settings.module.js';

/** The modules that create-admin needs: the write path, without HTTP. */
@Module({})
export class CliModule {
  static forRoot(settings: Settings, databaseUrl: string): DynamicModule {
    return {
      module: CliModule,
      imports: [
        SettingsModule.forRoot(settings),
        DatabaseModule.forRoot(databaseOptions(settings, databaseUrl), accountsSchema),
        AccountsModule.forRoot({
          cache: () => cacheOptions(settings, databaseUrl),
          sessions: sessionLimits(settings),
        }),
        AuditModule,
        PasswordsModule,
      ],
    };
  }
}
