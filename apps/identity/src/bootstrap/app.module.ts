import { type DynamicModule, Module } from '@nestjs/common';
import { type Settings } from '#config';
import { MailModule } from '#mail';
import { StorageModule } from '#storage';
import { HttpModule } from '#http';
import { AccountDeletionModule } from '../account-deletion/account-deletion.module.js';
import { AuditModule } from '../audit-log/audit.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { AvatarsModule } from '../avatars/avatars.module.js';
import { ObservabilityModule } from '../observability/observability.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { UsersModule } from '../users/users.module.js';
import { coreModules } from './core-modules.js';
import { mailOptions, storageOptions } from './options.js';

/** All modules of the service. */
@Module({})
export class AppModule {
  /** @param databaseUrl of a PostgreSQL whose schema is up to date */
  static forRoot(settings: Settings, databaseUrl: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ...coreModules(settings, databaseUrl),
        StorageModule.forRoot(storageOptions(settings)),
        MailModule.forRoot(mailOptions(settings)),
        HttpModule,
        RateLimitsModule,
        AuditModule,
        AuthModule,
        UsersModule,
        AvatarsModule,
        AccountDeletionModule,
        ObservabilityModule,
      ],
    };
  }
}
