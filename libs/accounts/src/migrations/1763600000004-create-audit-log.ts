import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Who did what, when, from where. The ids are UUIDv7: they sort by time, so that every index below lists the newest
 * first and the primary key is the index by time. Nothing refers to other tables: entries outlive what they are about.
 */
export class CreateAuditLog1763600000004 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE audit_log (
        id         uuid PRIMARY KEY,
        at         timestamptz(3) NOT NULL,
        action     text NOT NULL CHECK (action ~ '^[a-z_]{1,31}\\.[a-z_]{1,32}$'),
        -- 'success', or the code of the problem that was answered
        outcome    text NOT NULL CHECK (outcome ~ '^[a-z0-9_.]{1,64}$'),
        actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'service', 'anyone', 'operator', 'system')),
        actor_id   uuid CHECK ((actor_kind = 'user') = (actor_id IS NOT NULL)),
        actor_name text CHECK ((actor_kind = 'service') = (actor_name IS NOT NULL) AND char_length(actor_name) <= 32),
        -- whose account it is about
        user_id    uuid,
        session_id uuid,
        -- names of fields, and flags with their value
        changes    text[] CHECK (cardinality(changes) <= 32 AND octet_length(changes::text) <= 1000),
        address    inet,
        device     text CHECK (char_length(device) <= 255),
        request_id text CHECK (char_length(request_id) <= 64)
      )`);
    await queryRunner.query(`CREATE INDEX audit_log_user ON audit_log (user_id, id)`);
    await queryRunner.query(`CREATE INDEX audit_log_action ON audit_log (action, id)`);
    // What did not succeed is what an outcome is asked for by.
    await queryRunner.query(
      `CREATE INDEX audit_log_outcome ON audit_log (outcome, id) WHERE outcome <> 'success'`,
    );
    await queryRunner.query(
      `CREATE INDEX audit_log_actor ON audit_log (actor_id, id) WHERE actor_id IS NOT NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE audit_log`);
  }
}
