import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The log of committed changes that every cached entry is judged by. docs/adr tells why it looks like this. */
export class CreateChangeLog1763600000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE SCHEMA cache`);
    await createEpoch(queryRunner);
    await createLog(queryRunner);
    await createTriggers(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER cache_log_insert ON users`);
    await queryRunner.query(`DROP TRIGGER cache_log_update ON users`);
    await queryRunner.query(`DROP TRIGGER cache_log_delete ON users`);
    await queryRunner.query(`DROP TRIGGER cache_log_truncate ON users`);
    await queryRunner.query(`DROP SCHEMA cache CASCADE`);
  }
}

/**
 * The epoch names one uninterrupted life of one database. After a crash PostgreSQL may hand out transaction ids
 * that it had handed out before, so a snapshot taken before says nothing about transactions after. It empties
 * UNLOGGED tables in exactly those cases: crash recovery, promotion of a replica, point-in-time recovery. The
 * start of the server covers a data directory that was copied while it was stopped, the oid a database that was
 * made from a template or restored beside another.
 */
async function createEpoch(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE UNLOGGED TABLE cache.incarnation (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      id       uuid NOT NULL DEFAULT gen_random_uuid()
    )`);
  await queryRunner.query(`INSERT INTO cache.incarnation DEFAULT VALUES`);
  await queryRunner.query(`
    CREATE FUNCTION cache.epoch() RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
      SELECT concat_ws('.',
        (SELECT oid FROM pg_database WHERE datname = current_database()),
        (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
        incarnation.id)
      FROM cache.incarnation
    $$`);
}

async function createLog(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE cache.change (
      xid  xid8 NOT NULL DEFAULT pg_current_xact_id(),
      tags text[] NOT NULL,
      at   timestamptz NOT NULL DEFAULT clock_timestamp()
    )`);
  await queryRunner.query(`CREATE INDEX change_xid ON cache.change (xid)`);
  await queryRunner.query(`
    CREATE TABLE cache.floor (
      only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      -- changes of transactions below it may be missing from the log
      xid          xid8 NOT NULL,
      -- becomes the floor once it is older than the retention
      candidate    xid8 NOT NULL,
      candidate_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )`);
  await queryRunner.query(`
    INSERT INTO cache.floor (xid, candidate)
    SELECT pg_snapshot_xmin(s), pg_snapshot_xmin(s) FROM pg_current_snapshot() AS s`);
  // The floor follows the oldest transaction that was running one retention ago, not the age of the rows: a row
  // is written when its statement runs, and may become visible much later.
  await queryRunner.query(`
    CREATE FUNCTION cache.raise_floor(retention interval) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
      UPDATE cache.floor
         SET xid = candidate, candidate = pg_snapshot_xmin(pg_current_snapshot()), candidate_at = clock_timestamp()
       WHERE candidate_at <= clock_timestamp() - retention
    $$`);
}

async function createTriggers(queryRunner: QueryRunner): Promise<void> {
  // Hashed, so that the log holds no personal data. The application computes the same; see libs/user-cache.
  await queryRunner.query(`
    CREATE FUNCTION cache.alias_tag(prefix text, value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
      SELECT prefix || left(encode(sha256(convert_to(lower(value COLLATE "C"), 'UTF8')), 'hex'), 32)
    $$`);
  // SECURITY DEFINER: a role that may change users needs no right to write the log, and cannot forge it.
  await queryRunner.query(`
    CREATE FUNCTION cache.log_users() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      touched text[];
      many constant integer := 1000;
    BEGIN
      IF TG_OP = 'TRUNCATE' THEN
        touched := ARRAY['u:*'];
      ELSIF TG_OP IN ('INSERT', 'DELETE') THEN
        IF (SELECT count(*) FROM (SELECT FROM changed_rows LIMIT many + 1) AS few) > many THEN
          touched := ARRAY['u:*'];
        ELSE
          SELECT array_agg(DISTINCT tag) INTO touched FROM changed_rows AS r, LATERAL (VALUES
            ('u:' || r.id), (cache.alias_tag('ue:', r.email)),
            (cache.alias_tag('un:', r.username)), (cache.alias_tag('up:', r.phone))) AS t (tag)
          WHERE tag IS NOT NULL;
        END IF;
      ELSIF (SELECT count(*) FROM (SELECT FROM new_rows LIMIT many + 1) AS few) > many THEN
        touched := ARRAY['u:*'];
      ELSE
        -- A value is logged when it left one user or came to another: pairs, because in a swap of two emails the
        -- set of emails stays the same.
        WITH before AS (
          SELECT r.id, t.prefix, t.value FROM old_rows AS r, LATERAL (VALUES
            ('ue:', r.email), ('un:', r.username), ('up:', r.phone)) AS t (prefix, value)
          WHERE t.value IS NOT NULL
        ), after AS (
          SELECT r.id, t.prefix, t.value FROM new_rows AS r, LATERAL (VALUES
            ('ue:', r.email), ('un:', r.username), ('up:', r.phone)) AS t (prefix, value)
          WHERE t.value IS NOT NULL
        ), moved AS (
          (SELECT * FROM before EXCEPT SELECT * FROM after)
          UNION
          (SELECT * FROM after EXCEPT SELECT * FROM before)
        )
        SELECT array_agg(DISTINCT tag) INTO touched FROM (
          SELECT 'u:' || id AS tag FROM old_rows
          UNION SELECT 'u:' || id FROM new_rows
          UNION SELECT cache.alias_tag(prefix, value) FROM moved
        ) AS tags;
      END IF;
      IF touched IS NOT NULL THEN
        INSERT INTO cache.change (tags) VALUES (touched);
      END IF;
      RETURN NULL;
    END $$`);
  await queryRunner.query(`
    CREATE TRIGGER cache_log_insert AFTER INSERT ON users
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION cache.log_users()`);
  await queryRunner.query(`
    CREATE TRIGGER cache_log_update AFTER UPDATE ON users
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION cache.log_users()`);
  await queryRunner.query(`
    CREATE TRIGGER cache_log_delete AFTER DELETE ON users
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION cache.log_users()`);
  await queryRunner.query(`
    CREATE TRIGGER cache_log_truncate AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION cache.log_users()`);
  // ALWAYS: session_replication_role must not switch the log off.
  for (const event of ['insert', 'update', 'delete', 'truncate']) {
    await queryRunner.query(`ALTER TABLE users ENABLE ALWAYS TRIGGER cache_log_${event}`);
  }
}
