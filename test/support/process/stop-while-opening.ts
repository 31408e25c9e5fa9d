/** Opens an unreachable database, is told to stop at once, and sends the outcome. An unhandled rejection exits with 1. */
import { readSettings } from '#config';
import { openDatabase } from '../../../apps/identity/src/bootstrap/open-database.js';

const stop = new AbortController();
const settings = readSettings({ DATABASE_URL: 'postgres://ada@127.0.0.1:9/none' });
const opening = openDatabase(settings, () => undefined, stop.signal);
stop.abort();
const outcome = await opening.catch((error: unknown) => error);
process.send!(outcome === stop.signal.reason ? 'stopped' : String(outcome));
process.disconnect();
