import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { type DataSource } from 'typeorm';
import { exportSources } from './export-sources.js';

/** Everything that Usher keeps about a person, by the names of the sources, and the time of reading. */
export interface DataExport {
  readonly exported_at: string;
  readonly [source: string]: unknown;
}

/** Exports all data of a user, read from one snapshot of PostgreSQL. By hand: columns keep their own names. */
@Injectable()
export class DataExports {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** @throws UserNotFound */
  of(userId: string): Promise<DataExport> {
    return this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      const [moment] = await manager.query<{ now: Date }[]>('SELECT now() AS now');
      const parts: [name: string, part: unknown][] = [];
      for (const source of exportSources) {
        parts.push([
          source.name,
          await source.read(userId, (sql, parameters) => manager.query(sql, parameters)),
        ]);
      }
      return { exported_at: moment!.now.toISOString(), ...Object.fromEntries(parts) };
    });
  }
}
