import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { qualified, watchTables } from '#change-log';

/** A row for each login. Tokens name their session and end with it, so the generation of tokens is not needed any more. */
export class CreateSessions1763600000003 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE sessions (
        id           uuid PRIMARY KEY,
        user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
        -- what the client said it is, and where it came from
        device       text CHECK (char_length(device) <= 255),
        address      inet,
        -- which refresh token is the current one: they are numbered, and not stored
        counter      integer NOT NULL DEFAULT 0,
        refreshed_at timestamptz(3),
        last_used_at timestamptz(3) NOT NULL DEFAULT now(),
        expires_at   timestamptz(3) NOT NULL,
        created_at   timestamptz(3) NOT NULL DEFAULT now()
      )`);
    await queryRunner.query(`CREATE INDEX sessions_user ON sessions (user_id)`);
    await queryRunner.query(`CREATE INDEX sessions_last_used ON sessions (last_used_at)`);
    await createLog(queryRunner);
    await endWithTheAccount(queryRunner);
    await queryRunner.query(`ALTER TABLE users DROP COLUMN token_generation`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE users ADD COLUMN token_generation integer NOT NULL DEFAULT 1`);
    await queryRunner.query(`DROP TRIGGER users_end_sessions ON users`);
    await queryRunner.query(`DROP FUNCTION users_end_sessions()`);
    await queryRunner.query(`DROP TABLE sessions`);
    await queryRunner.query(`DROP FUNCTION cache.log_sessions()`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION users_touch() RETURNS trigger
      LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
      BEGIN
        NEW.updated_at := clock_timestamp();
        IF OLD.is_active AND NOT NEW.is_active AND NEW.token_generation = OLD.token_generation THEN
          NEW.token_generation := OLD.token_generation + 1;
        END IF;
        RETURN NEW;
      END $$`);
    await watchTables(queryRunner, [{ table: 'users', function: 'log_users' }]);
  }
}

/** A refresh changes nothing that is cached of a session, so it is not logged. */
async function createLog(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE FUNCTION cache.log_sessions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      touched text[];
      many constant integer := 1000;
    BEGIN
      IF TG_OP = 'TRUNCATE' THEN
        touched := ARRAY['s:*'];
      ELSIF TG_OP = 'UPDATE' THEN
        SELECT array_agg(DISTINCT 's:' || id) INTO touched FROM (
          (SELECT id, user_id, expires_at FROM old_rows EXCEPT SELECT id, user_id, expires_at FROM new_rows)
          UNION ALL
          (SELECT id, user_id, expires_at FROM new_rows EXCEPT SELECT id, user_id, expires_at FROM old_rows)) AS moved;
      ELSE
        SELECT array_agg('s:' || id) INTO touched FROM (SELECT id FROM changed_rows LIMIT many + 1) AS few;
      END IF;
      IF cardinality(touched) > many THEN
        touched := ARRAY['s:*'];
      END IF;
      IF touched IS NOT NULL THEN
        INSERT INTO cache.change (tags) VALUES (touched);
      END IF;
      RETURN NULL;
    END $$`);
  await watchTables(queryRunner, [
    { table: 'users', function: 'log_users' },
    { table: 'sessions', function: 'log_sessions' },
  ]);
  await queryRunner.query(`SELECT cache.restore_triggers()`);
}

/**
 * Whoever deactivates an account ends its sessions, raw SQL too; restoring it does not bring them back. It ends them
 * again: a deactivation in a transaction of isolation level REPEATABLE READ may not have seen the latest login.
 */
async function endWithTheAccount(queryRunner: QueryRunner): Promise<void> {
  const sessions = await qualified(queryRunner, 'sessions');
  // SECURITY DEFINER: a role that may change users needs no right on sessions. The full name: otherwise the role's own
  // temporary table would be emptied instead.
  await queryRunner.query(`
    CREATE FUNCTION users_end_sessions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      DELETE FROM ${sessions} WHERE user_id = NEW.id;
      RETURN NULL;
    END $$`);
  await queryRunner.query(`
    CREATE TRIGGER users_end_sessions AFTER UPDATE ON users
    FOR EACH ROW WHEN (OLD.is_active <> NEW.is_active) EXECUTE FUNCTION users_end_sessions()`);
  await queryRunner.query(`ALTER TABLE users ENABLE ALWAYS TRIGGER users_end_sessions`);
  await queryRunner.query(`
    CREATE OR REPLACE FUNCTION users_touch() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      NEW.updated_at := clock_timestamp();
      RETURN NEW;
    END $$`);
}
