import { type Settings } from '#config';
import { type DynamicModule, Module } from '@nestjs/common';
import { AuditModule } from '../audit-log/audit.module.js';
import { PasswordsModule } from '../auth/passwords/passwords.module.js';
import { coreModules } from '../bootstrap/core-modules.js';

/** The modules that create-admin needs: the write path, without HTTP. */
@Module({})
export class CliModule {
  static forRoot(settings: Settings, databaseUrl: string): DynamicModule {
    return {
      module: CliModule,
      imports: [...coreModules(settings, databaseUrl), AuditModule, PasswordsModule],
    };
  }
}
