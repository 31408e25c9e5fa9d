import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Emails and usernames are unique without regard to the case of ASCII letters. `COLLATE "C"` makes that the same
 * on every server: other collations change with the operating system's libraries, and an index with them.
 */
export class CreateUsers1763600000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE users (
        id               uuid PRIMARY KEY,
        email            text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
        email_verified   boolean NOT NULL DEFAULT false,
        username         text CHECK (char_length(username) BETWEEN 3 AND 32),
        first_name       text CHECK (char_length(first_name) <= 100),
        last_name        text CHECK (char_length(last_name) <= 100),
        phone            text CHECK (phone ~ '^\\+[1-9][0-9]{1,14}$'),
        bio              text CHECK (char_length(bio) <= 1000),
        avatar_url       text CHECK (char_length(avatar_url) <= 2048),
        occupation       text CHECK (char_length(occupation) <= 100),
        location         text CHECK (char_length(location) <= 100),
        password_hash    text NOT NULL,
        token_generation integer NOT NULL DEFAULT 1,
        is_active        boolean NOT NULL DEFAULT true,
        is_admin         boolean NOT NULL DEFAULT false,
        created_at       timestamptz(3) NOT NULL DEFAULT now(),
        updated_at       timestamptz(3) NOT NULL DEFAULT now()
      )`);
    await queryRunner.query(`CREATE UNIQUE INDEX users_email_key ON users (lower(email COLLATE "C"))`);
    await queryRunner.query(`CREATE UNIQUE INDEX users_username_key ON users (lower(username COLLATE "C"))`);
    await queryRunner.query(`CREATE UNIQUE INDEX users_phone_key ON users (phone)`);
    await queryRunner.query(`
      CREATE FUNCTION users_touch() RETURNS trigger
      LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
      BEGIN
        NEW.updated_at := clock_timestamp();
        -- Tokens that a deactivation ended stay dead when the account is restored, whoever did either.
        IF OLD.is_active AND NOT NEW.is_active AND NEW.token_generation = OLD.token_generation THEN
          NEW.token_generation := OLD.token_generation + 1;
        END IF;
        RETURN NEW;
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER users_touch BEFORE UPDATE ON users
      FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION users_touch()`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE users`);
    await queryRunner.query(`DROP FUNCTION users_touch()`);
  }
}
