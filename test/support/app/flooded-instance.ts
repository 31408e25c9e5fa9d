/**
 * An Usher in its own process, flooded with what unauthenticated clients can make it remember: good tokens of unknown
 * sessions, and requests from many networks. In-process, because over HTTP it takes minutes.
 */
import 'reflect-metadata';
import { readSettings } from '#config';
import { accountsSchema, SessionCache } from '#accounts';
import { migrate } from '#database';
import { randomUUID } from 'node:crypto';
import { AccessTokens } from '../../../apps/identity/src/auth/access-tokens/access-tokens.js';
import { createApp } from '../../../apps/identity/src/bootstrap/create-app.js';
import { Counter } from '../../../apps/identity/src/rate-limits/counter.js';
import { TrustedNetworks } from '../../../apps/identity/src/login-throttle/trusted-networks.js';
import { REQUEST_LIMITS } from '../../../apps/identity/src/rate-limits/rate-limit.js';

const AT_ONCE = 250;

const [env, databaseUrl, tokens, networks] = process.argv.slice(2) as [string, string, string, string];
await migrate(databaseUrl, accountsSchema);
const app = await createApp(readSettings(JSON.parse(env) as NodeJS.ProcessEnv), databaseUrl);
await app.init();

const accessTokens = app.get(AccessTokens);
const sessions = app.get(SessionCache);
let done = 0;
async function flood(): Promise<void> {
  while (done++ < Number(tokens)) {
    const { token } = await accessTokens.issue({ userId: randomUUID(), sessionId: randomUUID() });
    const { sessionId } = await accessTokens.verify(token);
    await sessions.byId(sessionId);
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, flood));

const counters = Object.values(REQUEST_LIMITS).map((limit) => new Counter(limit, 1));
const known = new TrustedNetworks();
for (let n = 0; n < Number(networks); n++) {
  for (const counter of counters) await counter.take(`2001:db8:${n.toString(16)}::/64`);
  await known.trust(`person ${n}`, `2001:db8:${n.toString(16)}::/64`);
}

// There is still heap left to work in.
const { statusCode } = await app.inject({ method: 'GET', url: '/health/live' });
globalThis.gc!();
const { heapUsed: used } = process.memoryUsage();
// Read after the measurement, or the collector may free them before.
const counted = counters.reduce((sum, { keysInMemory }) => sum + keysInMemory, 0);
process.send!({
  live: statusCode,
  used,
  counted,
  last: await known.has(`person ${Number(networks) - 1}`, ''),
});
await app.close();
process.exit();
