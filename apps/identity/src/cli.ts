import 'reflect-metadata';
import { Command } from 'commander';
import process from 'node:process';
import { type CreateAdminOptions } from './cli/create-admin.js';
import { type ImportUsersOptions } from './cli/import-users.js';
import { type RotateKeyOptions } from './cli/rotate-key.js';
import { onUncaught, startupErrorText } from './bootstrap/startup-error.js';
import { loadSettings } from './bootstrap/start-settings.js';
import { onStopSignal } from './bootstrap/stop-signals.js';

/** As shells have it for a command that Ctrl-C ended. */
const INTERRUPTED = 130;

const tell = (line: string): boolean => process.stderr.write(`${line}\n`);

onUncaught((text) => {
  tell(text);
  process.exit(1);
});
const leaving = new AbortController();
onStopSignal(() => leaving.abort()); // the database may have been started for us, and has to be stopped

// Each command loads what it needs: the whole application takes a second.
const program = new Command('usher').description('What is done to Usher from the command line.');

program
  .command('create-admin')
  .description('Make an administrator, or make one of an existing user')
  .requiredOption('--email <email>', 'their email address')
  .option('--username <username>', 'their username')
  .option('--trust-unverified', 'also when an account has this address and has not verified it')
  .addHelpText('after', '\nThe password is asked for, or read from standard input when that is no terminal.')
  .action(async (options: CreateAdminOptions) => {
    const settings = loadSettings(tell);
    const { createAdmin } = await import('./cli/create-admin.js');
    process.stdout.write(`${await createAdmin(settings, options, leaving.signal)}\n`);
  });

program
  .command('rotate-key')
  .description('Make the next key of JWT_KEYS_DIR sign access tokens, and publish one to follow it')
  .option('--now', 'also when not every instance may know the next key yet: after a key has leaked')
  .addHelpText('after', '\nTo end a key at once, and every token that it signed, remove its file.')
  .action(async (options: RotateKeyOptions) => {
    const settings = loadSettings(tell);
    const { rotateKey } = await import('./cli/rotate-key.js');
    process.stdout.write(`${await rotateKey(settings, options)}\n`);
  });

program
  .command('import-users')
  .description('Make accounts of the users of another system, with the bcrypt hashes of their passwords')
  .option('--file <file>', 'NDJSON, one user a line; standard input unless given')
  .option('--dry-run', 'only say what would be refused')
  .option('--skip-existing', 'pass over those who are there already')
  .addHelpText(
    'after',
    '\nA line has email and password_hash ($2a$, $2b$ or $2y$), and what else is known: id, username, phone, first_name, ' +
      'last_name,\nbio, occupation, location, email_verified, is_active, roles, app_metadata, user_metadata, created_at. Lines that are refused are named, the ' +
      'others are imported.\nThat a name occurs twice in the file, more than 250 lines apart, a dry run does not see.',
  )
  .action(async (options: ImportUsersOptions) => {
    const settings = loadSettings(tell);
    const { importUsers } = await import('./cli/import-users.js');
    const { sentence, refused } = await importUsers(settings, options, tell, leaving.signal);
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
  return leaving.signal.aborted || (error instanceof Error && error.name === 'ExitPromptError');
}
