import 'reflect-metadata';
import { readSettings } from '#config';
import { Command } from 'commander';
import process from 'node:process';
import { createAdmin, type CreateAdminOptions } from './cli/create-admin.js';
import { rotateKey, type RotateKeyOptions } from './cli/rotate-key.js';
import { startFault } from './start-fault.js';
import { onStopSignal } from './stop-signals.js';

/** As shells have it for a command that Ctrl-C ended. */
const INTERRUPTED = 130;

const leaving = new AbortController();
onStopSignal(() => leaving.abort()); // the database may have been started for us, and has to be stopped

const program = new Command('usher').description('What is done to Usher from the command line.');

program
  .command('create-admin')
  .description('Make an administrator, or make one of an existing user')
  .requiredOption('--email <email>', 'their email address')
  .option('--username <username>', 'their username')
  .addHelpText('after', '\nThe password is asked for, or read from standard input when that is no terminal.')
  .action(async (options: CreateAdminOptions) => {
    const settings = readSettings(process.env);
    process.stdout.write(`${await createAdmin(settings, options, leaving.signal)}\n`);
  });

program
  .command('rotate-key')
  .description('Make the next key of JWT_KEYS_DIR sign access tokens, and publish one to follow it')
  .option('--now', 'also when not every instance may know the next key yet: after a key has leaked')
  .addHelpText('after', '\nTo end a key at once, and every token that it signed, remove its file.')
  .action(async (options: RotateKeyOptions) => {
    process.stdout.write(`${await rotateKey(readSettings(process.env), options)}\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (wasInterrupted(error)) process.exit(INTERRUPTED);
  process.stderr.write(`${startFault(error, { host: '', port: 0 })}\n`);
  process.exitCode = 1;
}

/** By a signal, or by Ctrl-C at a prompt, which is a key there. */
function wasInterrupted(error: unknown): boolean {
  return leaving.signal.aborted || (error instanceof Error && error.name === 'ExitPromptError');
}
