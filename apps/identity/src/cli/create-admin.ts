import process from 'node:process';
import { addAbortSignal } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { validate } from 'class-validator';
import { plainToInstance } from 'class-transformer';
import askHidden from '@inquirer/password';
import { type Settings } from '#config';
import { auditEntry, AuditLogStore, CredentialStore, EmailNotVerified, ownEvent, UserStore } from '#accounts';
import { EmailField } from '#http';
import { PasswordHasher } from '../auth/passwords/password-hasher.js';
import { PasswordPolicy } from '../auth/passwords/password-policy.js';
import { UsernameField } from '../auth/profile/username-field.js';
import { openDatabase } from '../bootstrap/open-database.js';
import { CommandError } from '../bootstrap/startup-error.js';
import { CliModule } from './cli.module.js';

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
 * Creates an administrator, or makes an existing user one without changing their password. Anyone can register with the
 * address of a future administrator, so an unverified account gets the role only if the operator vouches for it.
 *
 * @returns a sentence that says what was done
 * @throws CommandError for an invalid name or password, and database errors
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
      return await makeAdmin(app, names, options.trustUnverified ?? false, signal);
    } finally {
      await app.close();
    }
  } finally {
    await database.close();
  }
}

async function makeAdmin(
  app: INestApplicationContext,
  { email, username }: Names,
  trustUnverified: boolean,
  signal: AbortSignal,
): Promise<string> {
  const store = app.get(UserStore);
  const record = (id: string): Promise<void> =>
    app.get(AuditLogStore).insert([auditEntry(ownEvent('operator', 'admin.appointed', id))]);
  const existing = await app.get(CredentialStore).find('email', email);
  if (existing) {
    const { user } = existing;
    const who = `${email} (${user.id}, registered ${user.createdAt})`;
    if (user.isAdmin && user.isActive) return `${who} is already an administrator.`;
    await store
      .changeStanding(user.id, { isAdmin: true, isActive: true }, { trustUnverified })
      .catch((error: unknown) => {
        throw error instanceof EmailNotVerified ? new CommandError(notVerified(who)) : error;
      });
    await record(user.id);
    return `${who} is now an administrator. The password is unchanged; sessions and personal access tokens have ended.`;
  }
  const password = await askPassword(signal);
  const errors = app.get(PasswordPolicy).check(password, { email, username });
  if (errors.length > 0) throw new CommandError(errors.map(({ message }) => message).join('\n'));
  const passwordHash = await app.get(PasswordHasher).hash(password);
  const created = await store.create({ email, username, isAdmin: true, passwordHash });
  await record(created.id);
  return `${email} is now an administrator.`;
}

function notVerified(who: string): string {
  return (
    `${who} has not verified this address, so the account may belong to someone else. Nothing was changed. ` +
    'Ask them to verify it, or add --trust-unverified if you know the account.'
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

/** Prompts twice without showing the password; if standard input is not a terminal, reads all of it. */
async function askPassword(signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) return (await text(addAbortSignal(signal, process.stdin))).replace(/\r?\n$/, '');
  for (;;) {
    const password = await askHidden({ message: 'Password:', mask: false }, { signal });
    if (password === (await askHidden({ message: 'Repeat the password:', mask: false }, { signal })))
      return password;
    process.stderr.write('The passwords differ.\n');
  }
}
