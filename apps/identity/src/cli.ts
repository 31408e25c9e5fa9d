import 'reflect-metadata';
import { readSettings } from '#config';
import { Command } from 'commander';
import process from 'node:process';
import { createAdmin, type CreateAdminOptions } from './cli/create-admin.js';
import { startFault } from './start-fault.js';

const program = new Command('usher').description('What is done to Usher from the command line.');

program
  .command('create-admin')
  .description('Make an administrator, or make one of an existing user')
  .requiredOption('--email <email>', 'their email address')
  .option('--username <username>', 'their username')
  .addHelpText('after', '\nThe password is asked for, or read from standard input when that is no terminal.')
  .action(async (options: CreateAdminOptions) => {
    const settings = readSettings(process.env);
    process.stdout.write(`${await createAdmin(settings, options)}\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${startFault(error, { host: '', port: 0 })}\n`);
  process.exitCode = 1;
}
