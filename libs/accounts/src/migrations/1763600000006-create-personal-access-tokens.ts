import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { qualified, watchTables } from '#change-log';

const USERS = { table: 'users', function: 'log_users' };
const SESSIONS = { table: 'sessions', function: 'log_sessions' };
const PERSONAL_TOKENS = { table: 'personal_access_tokens', function: 'log_personal_tokens' };

/** A row for each token that a user made for a script. It ends by the deletion of the row. */
export class CreatePersonalAccessTokens1763600000006 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE personal_access_tokens (
        id           uuid PRIMARY KEY,
        user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
        name         text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
        -- SHA-256 of a secret of 256 random bits: nobody can guess it, so nothing slower is needed
        token_hash   bytea NOT NULL CHECK (octet_length(token_hash) = 32),
        scopes       text[] NOT NULL CHECK (
          cardinality(scopes) BETWEEN 1 AND 32 AND array_position(scopes, NULL) IS NULL
          AND char_length(array_to_string(scopes, ' ')) <= 1000),
        last_used_at timestamptz(3),
        expires_at   timestamptz(3) NOT NULL,
        created_at   timestamptz(3) NOT NULL DEFAULT now(),
        CHECK (expires_at - created_at <= interval '366 days')
      )`);
    await queryRunner.query(`CREATE INDEX personal_access_tokens_user ON personal_access_tokens (user_id)`);
    await queryRunner.query(
      `CREATE INDEX personal_access_tokens_expiry ON personal_access_tokens (expires_at)`,
    );
    await createLog(queryRunner);
    await endWithTheAccount(queryRunner);
    // For the purge of sessions, which asks for either.
    await queryRunner.query(`CREATE INDEX sessions_expiry ON sessions (expires_at)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX sessions_expiry`);
    await queryRunner.query(`GRANT EXECUTE ON FUNCTION users_end_sessions() TO PUBLIC`);
    await queryRunner.query(`DROP TRIGGER users_end_personal_tokens ON users`);
    await queryRunner.query(`DROP FUNCTION users_end_personal_tokens()`);
    await queryRunner.query(`DROP TABLE personal_access_tokens`);
    await queryRunner.query(`DROP FUNCTION cache.log_personal_tokens()`);
    await watchTables(queryRunner, [USERS, SESSIONS]);
  }
}

/** When one was used, and what it is called, is not cached and not logged. */
async function createLog(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE FUNCTION cache.log_personal_tokens() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      touched text[];
      many constant integer := 1000;
    BEGIN
      IF TG_OP = 'TRUNCATE' THEN
        touched := ARRAY['t:*'];
      ELSIF TG_OP = 'UPDATE' THEN
        WITH before AS (SELECT id, user_id, token_hash, scopes, expires_at, created_at FROM old_rows),
             after AS (SELECT id, user_id, token_hash, scopes, expires_at, created_at FROM new_rows)
        SELECT array_agg(DISTINCT 't:' || id) INTO touched FROM (
          (SELECT * FROM before EXCEPT SELECT * FROM after)
          UNION ALL
          (SELECT * FROM after EXCEPT SELECT * FROM before)) AS moved;
      ELSE
        SELECT array_agg('t:' || id) INTO touched FROM (SELECT id FROM changed_rows LIMIT many + 1) AS few;
      END IF;
      IF cardinality(touched) > many THEN
        touched := ARRAY['t:*'];
      END IF;
      IF touched IS NOT NULL THEN
        INSERT INTO cache.change (tags) VALUES (touched);
      END IF;
      RETURN NULL;
    END $$`);
  await watchTables(queryRunner, [USERS, SESSIONS, PERSONAL_TOKENS]);
  await queryRunner.query(`SELECT cache.restore_triggers()`);
}

/**
 * As with sessions: deactivating an account ends its tokens, raw SQL included, and restoring it does not bring them
 * back. `users_end_sessions()` says why the table has its full name, and why tokens end again at the restoration.
 */
async function endWithTheAccount(queryRunner: QueryRunner): Promise<void> {
  const tokens = await qualified(queryRunner, 'personal_access_tokens');
  await queryRunner.query(`
    CREATE FUNCTION users_end_personal_tokens() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
      DELETE FROM ${tokens} WHERE user_id = NEW.id;
      RETURN NULL;
    END $$`);
  // For triggers alone: otherwise a role that may create temporary tables could end the sessions and tokens of any user.
  await queryRunner.query(
    `REVOKE EXECUTE ON FUNCTION users_end_sessions(), users_end_personal_tokens() FROM PUBLIC`,
  );
  await queryRunner.query(`
    CREATE TRIGGER users_end_personal_tokens AFTER UPDATE ON users
    FOR EACH ROW WHEN (OLD.is_active <> NEW.is_active) EXECUTE FUNCTION users_end_personal_tokens()`);
  await queryRunner.query(`ALTER TABLE users ENABLE ALWAYS TRIGGER users_end_personal_tokens`);
}
