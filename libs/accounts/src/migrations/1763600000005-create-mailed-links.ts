import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What is mailed to users: the outbox, and the links that were in it. Nothing of it is cached. */
export class CreateMailedLinks1763600000005 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE mailed_links (
        -- another one each time the same is asked for again
        id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        user_id         uuid NOT NULL REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
        purpose         text NOT NULL CHECK (purpose IN ('verify_email', 'reset_password', 'change_email',
                          'password_changed', 'email_change_asked', 'email_changed')),
        -- the user's when it was asked for; it goes there, but for a change, which goes to the new one
        email           text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
        new_email       text CHECK (char_length(new_email) BETWEEN 3 AND 254),
        -- where it was asked from
        address         inet,
        -- SHA-256; NULL until it is sent, and when it has been used
        token_hash      bytea CHECK (octet_length(token_hash) = 32),
        expires_at      timestamptz(3) NOT NULL,
        attempts        integer NOT NULL DEFAULT 0,
        -- NULL: sent, or given up
        next_attempt_at timestamptz(3) DEFAULT now(),
        created_at      timestamptz(3) NOT NULL DEFAULT now(),
        -- how often it was asked for, and since when that is counted
        asked           integer NOT NULL DEFAULT 1,
        counted_from    timestamptz(3) NOT NULL DEFAULT now(),
        CHECK ((new_email IS NOT NULL) = (purpose = 'change_email'))
      )`);
    await queryRunner.query(`
      CREATE UNIQUE INDEX mailed_links_one ON mailed_links (user_id, purpose)
       WHERE purpose IN ('verify_email', 'reset_password', 'change_email')`);
    await queryRunner.query(`CREATE INDEX mailed_links_user ON mailed_links (user_id)`);
    await queryRunner.query(`
      CREATE UNIQUE INDEX mailed_links_token ON mailed_links (token_hash) WHERE token_hash IS NOT NULL`);
    await queryRunner.query(`
      CREATE INDEX mailed_links_due ON mailed_links (next_attempt_at) WHERE next_attempt_at IS NOT NULL`);
    await queryRunner.query(`CREATE INDEX mailed_links_expiry ON mailed_links (expires_at)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE mailed_links`);
  }
}
