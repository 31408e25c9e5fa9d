import { type Settings } from '#config';
import { type AuditAction, auditEntry, AuditLogStore, ownEvent } from '#accounts';
import { reasonOf } from '#runtime';
import { KeyDirectory } from '../auth/signing-keys/key-directory.js';
import { rotate, type RotationStep } from '../auth/signing-keys/key-rotation.js';
import { SPREAD_WITHIN_MS } from '../auth/signing-keys/rotation-times.js';
import { CommandError } from '../bootstrap/startup-error.js';

const SPREAD = `${SPREAD_WITHIN_MS / 60_000} minutes`;

export interface RotateKeyOptions {
  now?: boolean;
}

/**
 * Makes the next key sign. The service may run meanwhile.
 *
 * @returns sentences that say what was done
 * @throws CommandError if nothing was done, and errors of the key directory
 */
export async function rotateKey(settings: Settings, { now = false }: RotateKeyOptions): Promise<string> {
  if (settings.jwtSecrets.length > 0) {
    throw new CommandError('JWT_SECRET is set, so there is no key to rotate: change JWT_SECRET instead.');
  }
  const step = await rotate(new KeyDirectory(settings.jwtKeysDir), now);
  const done = sentence(step);
  return done + (await record(settings, step.kind === 'rotated' ? 'keys.rotated' : 'keys.published'));
}

/**
 * Records the rotation in the audit log of DATABASE_URL. The embedded PostgreSQL is not started for this.
 *
 * @returns a sentence to add if that failed: the keys have changed all the same
 */
async function record({ databaseUrl, databaseTimeoutMs }: Settings, action: AuditAction): Promise<string> {
  if (databaseUrl === undefined) return '';
  const { createDataSource, databaseErrorOf } = await import('#database');
  const { accountsSchema } = await import('#accounts');
  const database = createDataSource(
    { url: databaseUrl, poolSize: 1, timeoutMs: databaseTimeoutMs },
    accountsSchema,
  );
  try {
    await database.initialize();
    await new AuditLogStore(database).insert([auditEntry(ownEvent('operator', action))]);
    return '';
  } catch (error) {
    return ` Writing to the audit log failed (${reasonOf(databaseErrorOf(error)?.cause ?? error)}).`;
  } finally {
    if (database.isInitialized) await database.destroy();
  }
}

function sentence(step: RotationStep): string {
  switch (step.kind) {
    case 'published':
      return (
        `The key ${step.next} is published, and ${step.current} still signs. ` +
        `Run rotate-key again in ${SPREAD}, when every instance knows the new key: then it signs.`
      );
    case 'rotated':
      return (
        `The key ${step.current} now signs. ${step.previous} verifies until its last token has expired. ` +
        `${step.next} is published and will sign after the next rotate-key.`
      );
    case 'too early':
      throw new CommandError(
        `The key ${step.next} has been published for less than ${SPREAD}, so some instances may not know it yet. ` +
          `Run rotate-key again in ${Math.ceil(step.waitMs / 1000)} seconds, or with --now if a few refused tokens are acceptable.`,
      );
    case 'overtaken':
      throw new CommandError('Another rotate-key is running; nothing was done.');
  }
}
