import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Triggers that end what could use rights that its holder was not given. */
const ENDS_WITH = ['users_end_sessions', 'users_end_personal_tokens'] as const;

/**
 * Roles, and what applications and users keep with an account. `admin` is one of the roles, and `is_admin` is its
 * shadow: a trigger keeps them the same, raw SQL too. docs/adr/0024 tells why.
 */
export class AddRolesAndMetadata1763600000009 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // Constant defaults: no row is rewritten, and NOT VALID constraints read none while the table is locked.
    await queryRunner.query(`
      ALTER TABLE users
        ADD COLUMN roles text[] NOT NULL DEFAULT '{}',
        ADD COLUMN app_metadata jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN user_metadata jsonb NOT NULL DEFAULT '{}',
        ADD CONSTRAINT users_admin_is_a_role CHECK (is_admin = ('admin' = ANY (roles))) NOT VALID,
        -- The API takes less of everything; raw SQL must not fill the caches either.
        ADD CONSTRAINT users_roles CHECK (
          cardinality(roles) <= 64 AND array_to_string(roles, ' ', '?') COLLATE "C"
            ~ '^([a-z0-9_.:-]{1,64}( [a-z0-9_.:-]{1,64})*)?$') NOT VALID,
        ADD CONSTRAINT users_app_metadata CHECK (
          jsonb_typeof(app_metadata) = 'object' AND octet_length(app_metadata::text) <= 8192) NOT VALID,
        ADD CONSTRAINT users_user_metadata CHECK (
          jsonb_typeof(user_metadata) = 'object' AND octet_length(user_metadata::text) <= 8192) NOT VALID`);
    await keepAdminRole(queryRunner);
    // A new administrator logs in anew: a session that is open may be in other hands.
    await endAccessWhen(queryRunner, 'OLD.is_active <> NEW.is_active OR NOT OLD.is_admin AND NEW.is_admin');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await endAccessWhen(queryRunner, 'OLD.is_active <> NEW.is_active');
    await queryRunner.query(`DROP TRIGGER users_admin_role_insert ON users`);
    await queryRunner.query(`DROP TRIGGER users_admin_role_update ON users`);
    await queryRunner.query(`DROP FUNCTION users_admin_role()`);
    await queryRunner.query(`
      ALTER TABLE users DROP COLUMN roles, DROP COLUMN app_metadata, DROP COLUMN user_metadata`);
  }
}

/** Where both are written and disagree, the one that changed decides: a former value takes no part. */
async function keepAdminRole(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE FUNCTION users_admin_role() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      given constant boolean := coalesce('admin' = ANY (NEW.roles), false);
    BEGIN
      IF TG_OP = 'INSERT' THEN
        NEW.is_admin := NEW.is_admin OR given;
      ELSIF NEW.is_admin = OLD.is_admin AND given <> ('admin' = ANY (OLD.roles)) THEN
        NEW.is_admin := given;
      END IF;
      NEW.roles := ARRAY(
        SELECT DISTINCT role COLLATE "C" FROM unnest(NEW.roles || '{admin}'::text[]) AS role
         WHERE role <> 'admin' OR NEW.is_admin ORDER BY 1);
      RETURN NEW;
    END $$`);
  await queryRunner.query(`
    CREATE TRIGGER users_admin_role_insert BEFORE INSERT ON users
    FOR EACH ROW WHEN (NEW.is_admin OR NEW.roles <> '{}') EXECUTE FUNCTION users_admin_role()`);
  await queryRunner.query(`
    CREATE TRIGGER users_admin_role_update BEFORE UPDATE ON users
    FOR EACH ROW WHEN (OLD.is_admin <> NEW.is_admin OR OLD.roles IS DISTINCT FROM NEW.roles
      OR NEW.is_admin <> ('admin' = ANY (NEW.roles))) EXECUTE FUNCTION users_admin_role()`);
  for (const event of ['insert', 'update']) {
    await queryRunner.query(`ALTER TABLE users ENABLE ALWAYS TRIGGER users_admin_role_${event}`);
  }
}

async function endAccessWhen(queryRunner: QueryRunner, condition: string): Promise<void> {
  for (const name of ENDS_WITH) {
    await queryRunner.query(`DROP TRIGGER ${name} ON users`);
    await queryRunner.query(`
      CREATE TRIGGER ${name} AFTER UPDATE ON users
      FOR EACH ROW WHEN (${condition}) EXECUTE FUNCTION ${name}()`);
    await queryRunner.query(`ALTER TABLE users ENABLE ALWAYS TRIGGER ${name}`);
  }
}
