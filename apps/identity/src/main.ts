import 'reflect-metadata';
import { InvalidSettings, type Settings } from '#config';
import { type Readiness } from '#observability';
import { waitAtMost } from '#runtime';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OpenDatabase, openDatabase } from './bootstrap/open-database.js';
import { startupErrorText } from './bootstrap/startup-error.js';
import { loadSettings, onStopSignal, onUncaught } from './bootstrap/process-setup.js';

/** Requests in progress get this long to be answered. */
const STOP_WITHIN_MS = 10_000;
/** After that, or after a fatal error, the app and the database each get this long to close. */
const ABORT_WITHIN_MS = 2_000;

const stopping = new AbortController();
let database: OpenDatabase | undefined;
let app: NestFastifyApplication | undefined;
let readiness: Readiness | undefined;
let serving = false;
let aborting = false;

// The state of the process is unknown after an uncaught error; close what can be closed.
onUncaught((text) => void abort(`Uncaught error, exiting: ${text}`));
const settings = settingsOrExit();
// Before anything is opened, so that Ctrl-C during the start closes what has been opened.
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

/** Ends early when a stop signal arrives; `stop()` waits for it and closes what has been opened. */
async function start(): Promise<void> {
  try {
    database = await openDatabase(settings, tell, stopping.signal);
    stopping.signal.throwIfAborted();
    // Imported late, because it takes longer than everything above: errors so far are reported without it.
    const { Readiness } = await import('#observability');
    const { createApp } = await import('./bootstrap/create-app.js');
    const { buildSearchIndexes } = await import('#accounts');
    const { Logger } = await import('@nestjs/common');
    const { printStartupBanner } = await import('./bootstrap/startup-banner.js');
    app = await createApp(settings, database.url);
    readiness = app.get(Readiness);
    stopping.signal.throwIfAborted();
    await app.listen(settings.port, settings.host);
    stopping.signal.throwIfAborted();
    serving = true;
    await printStartupBanner(app, settings, database.description);
    // Not awaited: with millions of users it takes minutes, and the service works without it.
    void buildSearchIndexes(database.url, {
      tell: (line) => new Logger('Search').warn(line),
      signal: stopping.signal,
    });
  } catch (error) {
    if (!stopping.signal.aborted) await abort(startupErrorText(error, settings));
  }
}

/** Readiness ends first; after the delay the app stops accepting connections; then the database is closed. */
async function stop(delayMs: number): Promise<void> {
  stopping.abort();
  readiness?.end();
  if (serving) await sleep(delayMs);
  const timer = setTimeout(() => void abort('The service did not stop in time.'), STOP_WITHIN_MS);
  try {
    await started;
    await app?.close();
    await database?.close();
    clearTimeout(timer);
    process.exit(0);
  } catch (error) {
    await abort(startupErrorText(error, settings));
  }
}

/** Further errors meanwhile are only printed. */
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
