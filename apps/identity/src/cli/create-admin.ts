import { type Settings } from '#config';
import { auditEntry, AuditLogStore, EmailNotVerified, ownEvent, UserStore } from '#accounts';
import { type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { validate } from 'class-validator';
import { plainToInstance } from 'class-transformer';
import { PasswordHasher } from '../auth/passwords/password-hasher.js';
import { PasswordPolicy } from '../auth/passwords/password-policy.js';
import { EmailField, UsernameField } from '#http';
import { openDatabase } from '../bootstrap/open-database.js';
import { askPassword } from './ask-password.js';
import { CliModule } from './cli.module.js';
import { CommandError } from './command-error.js';

export interface CreateAdminOptions {
  email: string;
  username?: string;
  trustUnverified?: boolean;
}

class Names {
  @EmailField()
  email!: string;

  @UsernameField({ optional: true })
  username?: string;
}

/**
 * Makes an administrator; of an existing user without touching their password. Anyone can register with the address of
 * a future administrator, so an unverified one gets rights only when the operator says that the account is known.
 *
 * @returns what was done, in a sentence
 * @throws CommandError for bad names or a bad password, and what the database has to say
 */
export async function createAdmin(
  settings: Settings,
  options: CreateAdminOptions,
  signal: AbortSignal,
): Promise<string> {
  const names = await checked(options);
  const database = await openDatabase(settings, (line) => process.stderr.write(`${line}\n`), signal);
  try {
    const app = await NestFactory.createApplicationContext(CliModule.forRoot(settings, database.url), {
      logger: false,
      abortOnError: false,
    });
    try {
      return await appoint(app, names, options.trustUnverified ?? false, signal);
    } finally {
      await app.close();
    }
  } finally {
    await database.close();
  }
}

async function appoint(
  app: INestApplicationContext,
  { email, username }: Names,
  trustUnverified: boolean,
  signal: AbortSignal,
): Promise<string> {
  const store = app.get(UserStore);
  const record = (id: string): Promise<void> =>
    app.get(AuditLogStore).insert([auditEntry(ownEvent('operator', 'admin.appointed', id))]);
  const existing = await store.credentials('email', email);
  if (existing) {
    const { user } = existing;
    const who = `${email} (${user.id}, registered ${user.createdAt})`;
    if (user.isAdmin && user.isActive) return `${who} is an administrator already.`;
    await store
      .changeStanding(user.id, { isAdmin: true, isActive: true }, { trustUnverified })
      .catch((error: unknown) => {
        throw error instanceof EmailNotVerified ? new CommandError(unproven(who)) : error;
      });
    await record(user.id);
    return `${who} is an administrator now. The password stays as it was; sessions and personal access tokens have ended.`;
  }
  const password = await askPassword(signal);
  const faults = app.get(PasswordPolicy).check(password, { email, username });
  if (faults.length > 0) throw new CommandError(faults.map((fault) => fault.message).join('\n'));
  const passwordHash = await app.get(PasswordHasher).hash(password);
  const created = await store.create({ email, username, isAdmin: true, passwordHash });
  await record(created.id);
  return `${email} is an administrator now.`;
}

function unproven(who: string): string {
  return (
    `${who} has not verified this address, so the account may belong to someone else; nothing was changed. ` +
    'Have them verify it, or add --trust-unverified if you know the account.'
  );
}

async function checked(options: CreateAdminOptions): Promise<Names> {
  const names = plainToInstance(Names, options);
  const findings = await validate(names);
  if (findings.length === 0) return names;
  const sentences = findings.flatMap(({ property, constraints }) =>
    Object.values(constraints ?? {}).map((message) => `--${property}: ${message}.`),
  );
  throw new CommandError(sentences.join('\n'));
}
