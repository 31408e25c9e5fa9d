/**
 * One Usher in a process of its own. Arguments: the settings, the URL of the database, and what is switched off.
 *
 * The product has no switches for that; they are made here, by replacing what a part of the protocol does.
 */
import 'reflect-metadata';
import { type Answer, ChangeWindow, CoherentCache, Lease, Seal, type Lookup } from '#cache';
import { readSettings } from '#config';
import { DatabaseUnavailable, DeadlineClient } from '#database';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '../../../apps/identity/src/bootstrap/create-app.js';
import { type Ablation } from './ablation.js';
import { Failpoints } from './failpoints.js';
import { type Order } from './usher-instance.js';

const [env, databaseUrl, ablation] = process.argv.slice(2) as [string, string, Ablation];

switch (ablation) {
  case 'none':
    break;
  case 'stamps':
    // Entries are served regardless of the log, as in a cache that only deletes and expires.
    ChangeWindow.prototype.admits = (): boolean => true;
    break;
  case 'lease':
    // Entries are served however old the last poll is.
    Lease.prototype.holds = (): boolean => true;
    break;
  case 'in-progress':
    // The log is read by a cursor that forgets running transactions.
    withoutInProgress();
    break;
  case 'fallback':
    // Without the lease nothing is served, not even from PostgreSQL.
    withoutFallback();
    break;
  case 'seal':
    // Every entry in Redis is accepted as ours.
    Seal.prototype.open = (_context, sealed): string => sealed.slice(43);
    break;
}
const failpoints = new Failpoints();

const settings = readSettings(JSON.parse(env) as NodeJS.ProcessEnv);
const app = await createApp(settings, databaseUrl);
await app.listen(0, '127.0.0.1');
process.send!({ url: await app.getUrl() });
const now = Date.now.bind(Date);
process.on('message', (order: Order) => {
  if ('failpoint' in order) return failpoints.set(order.failpoint ?? undefined);
  if ('release' in order) return failpoints.release();
  if ('clockOffsetMs' in order) {
    Date.now = (): number => now() + order.clockOffsetMs;
    return;
  }
  const end = performance.now() + order.stallMs;
  while (performance.now() < end); // blocks the event loop
});
process.once('disconnect', () => {
  void Promise.race([app.close(), sleep(2_000)]).then(() => process.exit());
});

/** Of a cache of any kind of value. */
type Read = (this: CoherentCache<object>, subject: Lookup<object>) => Promise<Answer<object>>;

function withoutFallback(): void {
  // An instance has one lease, and every read asks it before a load.
  let lease: Lease | undefined;
  const holds: (this: Lease) => boolean = Reflect.get(Lease.prototype, 'holds');
  Lease.prototype.holds = function (): boolean {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the product hands out no lease
    lease = this;
    return holds.call(this);
  };
  const read = Reflect.get(CoherentCache.prototype, 'read') as Read;
  CoherentCache.prototype.read = function (
    this: CoherentCache<object>,
    subject: Lookup<object>,
  ): Promise<Answer<object>> {
    const load = (): ReturnType<typeof subject.load> =>
      lease?.holds() ? subject.load() : Promise.reject(new DatabaseUnavailable('switched off'));
    return read.call(this, { ...subject, load });
  };
}

function withoutInProgress(): void {
  const query: (...args: unknown[]) => never = Reflect.get(DeadlineClient.prototype, 'query');
  DeadlineClient.prototype.query = function (
    this: DeadlineClient,
    ...[sql, values, ...rest]: unknown[]
  ): never {
    const isPoll =
      typeof sql === 'string' &&
      sql.includes('FROM cache.change') &&
      Array.isArray(values) &&
      values.length === 2;
    return Reflect.apply(query, this, [sql, isPoll ? [(values as unknown[])[0], []] : values, ...rest]);
  };
}
