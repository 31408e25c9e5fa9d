import 'reflect-metadata';
import { Command } from 'commander';
import process from 'node:process';
import { type CreateAdminOptions } from './cli/create-admin.js';
import { type ImportUsersOptions } from './cli/import-users.js';
import { type RotateKeyOptions } from './cli/rotate-key.js';
import { startupErrorText } from './bootstrap/startup-error.js';
import { loadSettings, onStopSignal, onUncaught } from './bootstrap/process-setup.js';

/** The exit code of shells for a command ended by Ctrl-C. */
const INTERRUPTED = 130;

const tell = (line: string): boolean => process.stderr.write(`${line}\n`);

onUncaught((text) => {
  tell(text);
  process.exit(1);
});
const stopping = new AbortController();
onStopSignal(() => stopping.abort()); // a database that was started for this command must be stopped

// Each command loads what it needs: the whole application takes a second.
const program = new Command('usher').description('Administration of Usher.');

program
  .command('create-admin')
  .description('Create an administrator, or make an existing user one')
  .requiredOption('--email <email>', 'their email address')
  .option('--username <username>', 'their username')
  .option('--trust-unverified', 'also for an existing account whose email address is not verified')
  .addHelpText('after', '\nPrompts for the password; reads it from standard input if that is not a terminal.')
  .action(async (options: CreateAdminOptions) => {
    const settings = loadSettings(tell);
    const { createAdmin } = await import('./cli/create-admin.js');
    process.stdout.write(`${await createAdmin(settings, options, stopping.signal)}\n`);
  });

program
  .command('rotate-key')
  .description('Sign access tokens with the next key of JWT_KEYS_DIR, and publish a new next key')
  .option('--now', 'even if some instances may not know the next key yet; for a leaked key')
  .addHelpText('after', '\nTo revoke a key at once, with every token that it signed, remove its file.')
  .action(async (options: RotateKeyOptions) => {
    const settings = loadSettings(tell);
    const { rotateKey } = await import('./cli/rotate-key.js');
    process.stdout.write(`${await rotateKey(settings, options)}\n`);
  });

program
  .command('import-users')
  .description('Import the users of another system, with the bcrypt hashes of their passwords')
  .option('--file <file>', 'NDJSON, one user per line; standard input by default')
  .option('--dry-run', 'only report which lines would be refused')
  .option('--skip-existing', 'skip users that exist already')
  .addHelpText(
    'after',
    '\nA line has email and password_hash ($2a$, $2b$ or $2y$), and optionally id, username, phone, first_name, ' +
      'last_name,\nbio, occupation, location, email_verified, is_active, roles, app_metadata, user_metadata, created_at. Refused lines are reported, the ' +
      'others are imported.\nA dry run does not detect duplicates that are more than 250 lines apart.',
  )
  .action(async (options: ImportUsersOptions) => {
    const settings = loadSettings(tell);
    const { importUsers } = await import('./cli/import-users.js');
    const { sentence, refused } = await importUsers(settings, options, tell, stopping.signal);
    process.stdout.write(`${sentence}\n`);
    if (refused > 0) process.exitCode = 1;
  });

try {
  await program.parseAsync();
} catch (error) {
  if (wasInterrupted(error)) process.exit(INTERRUPTED);
  process.stderr.write(`${startupErrorText(error, { host: '', port: 0 })}\n`);
  process.exitCode = 1;
}

/** By a signal, or by Ctrl-C at a prompt, which is a key there. */
function wasInterrupted(error: unknown): boolean {
  return stopping.signal.aborted || (error instanceof Error && error.name === 'ExitPromptError');
}
