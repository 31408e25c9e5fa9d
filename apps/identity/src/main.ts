import 'reflect-metadata';
import { InvalidSettings, readSettings, type Settings } from '#config';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from './create-app.js';
import { Readiness } from './health/readiness.js';
import { type OpenDatabase, openDatabase } from './open-database.js';
import { startFault } from './start-fault.js';
import { welcome } from './welcome.js';

/** Requests under way get this long to be answered. */
const STOP_WITHIN_MS = 10_000;

const settings = settingsOrExit();
let database: OpenDatabase | undefined;
let app: NestFastifyApplication | undefined;
let stopping = false;

// Before anything is opened, so that Ctrl-C during the start closes what is open by then.
process.on('SIGINT', () => void stop(0));
process.on('SIGTERM', () => void stop(settings.shutdownDelayMs));

try {
  database = await openDatabase(settings, tell);
  if (!stopping) app = await createApp(settings, database.url);
  if (!stopping) await app?.listen(settings.port, settings.host);
  if (!stopping && app) process.stdout.write(welcome(settings, await app.getUrl(), database.description));
} catch (error) {
  if (!stopping) await abort(startFault(error, settings));
}

function settingsOrExit(): Settings {
  try {
    return readSettings(process.env);
  } catch (error) {
    if (!(error instanceof InvalidSettings)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Readiness ends first; then, after the delay, no new connections; then the database, which others may share. */
async function stop(delayMs: number): Promise<void> {
  if (stopping) process.exit(130); // asked twice: at once
  stopping = true;
  app?.get(Readiness).end();
  await sleep(app ? delayMs : 0);
  const patience = setTimeout(() => void abort('Not everything could be stopped in time.'), STOP_WITHIN_MS);
  try {
    await app?.close();
    await database?.close();
    clearTimeout(patience);
    process.exit(0);
  } catch (error) {
    await abort(startFault(error, settings));
  }
}

async function abort(sentence: string): Promise<never> {
  tell(sentence);
  await Promise.race([app?.close().catch(() => undefined), sleep(2_000)]);
  await database?.close().catch(() => undefined);
  process.exit(1);
}
