/**
 * Loaded with `--import` before a service: counts the calls of the functions below the folder in CALLS_BELOW (a file
 * URL), and answers each message with those since the one before. Ends the service once its parent is gone.
 */
import { Session } from 'node:inspector/promises';
import process from 'node:process';

const session = new Session();
session.connect();
await session.post('Profiler.enable');
// Without `detailed`, an async function also counts once for each `await` that it comes back from.
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

process.on('message', async () => {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  process.send(result.filter(({ url }) => url.startsWith(process.env.CALLS_BELOW)).flatMap(callsOf));
});
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));

/** @param {import('node:inspector').Profiler.ScriptCoverage} script */
function callsOf({ url, functions }) {
  return functions
    .map(({ functionName, ranges }) => ({
      url,
      name: functionName,
      offset: ranges[0].startOffset,
      count: ranges[0].count,
    }))
    .filter(({ count, offset }) => count > 0 && offset > 0); // at 0: the module itself, while it loads
}
