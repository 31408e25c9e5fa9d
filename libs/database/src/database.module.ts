import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { dataSourceOptions, type DataSourceSettings, type Schema } from './data-source.js';

/** The pool to PostgreSQL, as TypeORM's `DataSource`. The schema is brought up to date before; see `migrate()`. */
@Module({})
export class DatabaseModule {
  static forRoot(settings: DataSourceSettings, schema: Schema): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        // It was there a moment ago: a connection that takes too long now is tried again before the start is given up.
        TypeOrmModule.forRoot({ ...dataSourceOptions(settings, schema), retryAttempts: 3, retryDelay: 250 }),
      ],
    };
  }
}
