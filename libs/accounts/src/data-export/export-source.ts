/** A statement in the one snapshot of an export. @throws DatabaseUnavailable and DatabaseTimeout in their TypeORM wrapping */
export type SnapshotQuery = <Row>(sql: string, parameters: unknown[]) => Promise<Row[]>;

/** What one part of the house keeps about a person. `exportSources` lists them all. */
export interface ExportSource {
  /** The member of the document that it fills. */
  readonly name: string;
  /** Where it reads. Every table that names a user belongs to some source; a test holds that. */
  readonly tables: readonly string[];
  /** JSON, with columns by their own names. No secret, and nothing made of one; `MOST_ROWS` of a kind at most. */
  read(userId: string, query: SnapshotQuery): Promise<unknown>;
}

/** Newest first; what is older is left out, so that an answer stays within time and memory. */
export const MOST_ROWS = 10_000;
