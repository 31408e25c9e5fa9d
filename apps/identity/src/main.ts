import 'reflect-metadata';
import { InvalidSettings, type Settings } from '#config';
import { type Readiness } from '#observability';
import { waitAtMost } from '#runtime';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OpenDatabase, openDatabase } from './bootstrap/open-database.js';
import { onUncaught, startupErrorText } from './bootstrap/startup-error.js';
import { loadSettings } from './bootstrap/start-settings.js';
import { onStopSignal } from './bootstrap/stop-signals.js';

/** Requests under way get this long to be answered. */
const STOP_WITHIN_MS = 10_000;
/** And this long each part gets to close when there is no more hope of that. */
const ABORT_WITHIN_MS = 2_000;

const leaving = new AbortController();
let database: OpenDatabase | undefined;
let app: NestFastifyApplication | undefined;
let readiness: Readiness | undefined;
let serving = false;
let aborting = false;

// The state of the process is unknown after that; what is open is closed as far as it can be.
onUncaught((text) => void abort(`Unforeseen, and the end: ${text}`));
const settings = settingsOrExit();
// Before anything is opened, so that Ctrl-C during the start closes what is open by then.
onStopSignal((signal) => void stop(signal === 'SIGTERM' ? settings.shutdownDelayMs : 0));
const started = start();
await started;

function settingsOrExit(): Settings {
  try {
    return loadSettings(tell);
  } catch (error) {
    if (!(error instanceof InvalidSettings)) throw error;
    tell(error.message);
    process.exit(1);
  }
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Goes no further than it has come when we are told to leave: `stop()` waits for it and closes what is open. */
async function start(): Promise<void> {
  try {
    database = await openDatabase(settings, tell, leaving.signal);
    leaving.signal.throwIfAborted();
    // Takes longer than all of the above: whoever is to hear of a fault does not wait for it.
    const { Readiness } = await import('#observability');
    const { createApp } = await import('./bootstrap/create-app.js');
    const { buildSearchIndexes } = await import('#accounts');
    const { Logger } = await import('@nestjs/common');
    const { printStartupBanner } = await import('./bootstrap/startup-banner.js');
    app = await createApp(settings, database.url);
    readiness = app.get(Readiness);
    leaving.signal.throwIfAborted();
    await app.listen(settings.port, settings.host);
    leaving.signal.throwIfAborted();
    serving = true;
    await printStartupBanner(app, settings, database.description);
    // After millions of users came it takes minutes, and the service can do without.
    void buildSearchIndexes(database.url, {
      tell: (line) => new Logger('Search').warn(line),
      signal: leaving.signal,
    });
  } catch (error) {
    if (!leaving.signal.aborted) await abort(startupErrorText(error, settings));
  }
}

/** Readiness ends first; then, after the delay, no new connections; then the database, which others may share. */
async function stop(delayMs: number): Promise<void> {
  leaving.abort();
  readiness?.end();
  if (serving) await sleep(delayMs);
  const patience = setTimeout(() => void abort('Not everything could be stopped in time.'), STOP_WITHIN_MS);
  try {
    await started;
    await app?.close();
    await database?.close();
    clearTimeout(patience);
    process.exit(0);
  } catch (error) {
    await abort(startupErrorText(error, settings));
  }
}

/** What fails while this goes on is told, and changes nothing. */
async function abort(sentence: string): Promise<void> {
  tell(sentence);
  if (aborting) return;
  aborting = true;
  await waitAtMost(
    ABORT_WITHIN_MS,
    Promise.resolve(app?.close()).catch(() => undefined),
  );
  await waitAtMost(
    ABORT_WITHIN_MS,
    Promise.resolve(database?.close()).catch(() => undefined),
  );
  process.exit(1);
}
