/**
 * `npm run bench`: the rate of `GET /auth/me`, as a share of what Fastify alone can answer on this machine.
 *
 * Both are measured in turns in one run, each in a process of its own: a share is worth something on a busy machine,
 * where requests per second are not.
 */
import autocannon from 'autocannon';
import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { runTypeScript } from '../support/typescript/run-typescript.js';

const ROUNDS = 5;
const SECONDS = 3;
const CONNECTIONS = 32;

const usher = runTypeScript(new URL('usher-server.ts', import.meta.url));
const usherUrl = await urlOf(usher);
const { token, user } = await register(usherUrl);
const floor = runTypeScript(new URL('floor-server.ts', import.meta.url), [JSON.stringify(user)]);
const floorUrl = await urlOf(floor);

const headers = { authorization: `Bearer ${token}` };
const shares: number[] = [];
await requestsPerSecond(usherUrl, headers); // warm up
await requestsPerSecond(floorUrl, headers);
for (let round = 1; round <= ROUNDS; round++) {
  const ours = await requestsPerSecond(usherUrl, headers);
  const theirs = await requestsPerSecond(floorUrl, headers);
  shares.push(ours / theirs);
  console.log(
    `round ${round}: usher ${ours.toFixed(0)}/s, floor ${theirs.toFixed(0)}/s, share ${percent(ours / theirs)}`,
  );
}
console.log(`median share: ${percent(shares.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!)}`);
for (const server of [usher, floor]) {
  server.disconnect();
  await once(server, 'exit');
}

async function urlOf(server: ChildProcess): Promise<string> {
  const [url] = (await once(server, 'message')) as [string];
  return url;
}

async function register(url: string): Promise<{ token: string; user: object }> {
  const response = await fetch(`${url}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery' }),
  });
  const { access_token, user } = (await response.json()) as { access_token: string; user: object };
  return { token: access_token, user };
}

async function requestsPerSecond(url: string, headers: Record<string, string>): Promise<number> {
  const result = await autocannon({
    url: `${url}/auth/me`,
    headers,
    connections: CONNECTIONS,
    duration: SECONDS,
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx + result.errors} requests failed`);
  return result.requests.average;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
