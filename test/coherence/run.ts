import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promote } from '../support/app/users.js';
import { makeTestDirectory } from '../support/process/test-directory.js';
import { type Ablation } from './cluster/ablation.js';
import { type Fault, type FaultContext } from './faults/fault.js';
import { HealthProbe } from './report/health-probe.js';
import { Random } from '../support/random/random.js';
import { Readers } from './traffic/readers.js';
import { recovery } from './report/recovery.js';
import { type Audits, Report } from './report/report.js';
import { type Cluster } from './cluster/cluster.js';
import { UsherInstance } from './cluster/usher-instance.js';
import { Model } from './model/model.js';
import { Writers } from './traffic/writers.js';

export interface RunOptions {
  seconds: number;
  seed: number;
  cluster: Cluster;
  instances?: number;
  /** For all instances, or one for each. */
  ablation?: Ablation | readonly [Ablation, ...Ablation[]];
  /** Injected once, before the others, even past `seconds`. */
  first?: readonly Fault[];
  /** Injected one after the other until the run ends. */
  faults?: readonly Fault[];
  env?: NodeJS.ProcessEnv;
  /** Ends the run early, between two faults if there are any. */
  until?: (report: Report) => boolean;
  log?: (line: string) => void;
}

const USERS = 1_200; // more than a statement may touch and still be logged user by user
const HOT = 120;
const READERS = 3;
const WRITERS = 4;

/** Runs instances, writers and readers under faults, and judges every answer. */
export async function run(options: RunOptions): Promise<Report> {
  const {
    seconds,
    seed,
    cluster,
    instances: count = 4,
    ablation = 'none',
    first = [],
    faults = [],
    until = (): boolean => false,
    log = (): void => undefined,
  } = options;
  const random = new Random(seed);
  const report = new Report();
  const serviceToken = randomBytes(24).toString('hex');
  const env = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    JWT_SECRET: randomBytes(32).toString('hex'),
    ACCESS_TOKEN_TTL: '24h',
    SERVICE_TOKENS: `suite:lookup+introspect=${serviceToken}`,
    // Short, so that entries are filled again and again rather than once.
    CACHE_TTL: '5s',
    STALE_IF_DB_DOWN: '2s',
    CACHE_AUDIT_EVERY: '25',
    RATE_LIMIT_FACTOR: '1000000',
    ...options.env,
  };
  await migrate(cluster.directDatabaseUrl, accountsSchema);
  const model = await Model.create(cluster.directDatabaseUrl, env, USERS);
  const hot = model.ids.slice(0, HOT);
  const adminToken = await anAdmin(model);

  const start = (index: number, other: NodeJS.ProcessEnv = {}): Promise<UsherInstance> =>
    UsherInstance.start(
      index,
      { ...env, ...cluster.envOf(index), ...other },
      cluster.databaseUrlOf(index),
      typeof ablation === 'string' ? ablation : (ablation[index] ?? 'none'),
    );
  const instances = await Promise.all(Array.from({ length: count }, (_, index) => start(index)));
  const ending = new AbortController();
  const readersOf = (instance: UsherInstance): Promise<void>[] =>
    Array.from({ length: READERS }, () =>
      new Readers(model, instance, serviceToken, new Random(random.below(2 ** 31)), hot, report).run(
        ending.signal,
      ),
    );
  const loops: Promise<void>[] = instances.flatMap(readersOf);
  const writeTargets = new Set<number>();
  const writable = (): UsherInstance[] => {
    const targeted = instances.filter(({ index, running }) => running && writeTargets.has(index));
    if (targeted.length > 0) return targeted;
    return instances.filter(({ index, running }) => running && !report.disturbed.has(index));
  };
  const writers = new Writers(
    model,
    () => (writable().length > 0 ? writable() : instances),
    adminToken,
    new Random(random.below(2 ** 31)),
    hot,
  );
  for (let n = 0; n < WRITERS; n++) loops.push(writers.run(ending.signal, 15));
  loops.push(writers.runBulk(ending.signal, 3_000));

  const probes = instances.map(
    ({ index }) => new HealthProbe(cluster.databaseUrlOf(index), () => instances[index]!.ask('/health/live')),
  );
  report.availability.watch(probes);
  for (const probe of probes) loops.push(probe.run(ending.signal));

  const excuse = (...indices: readonly number[]): void =>
    indices.forEach((index) => report.availability.excuse(index));
  const context: FaultContext = {
    cluster,
    instances,
    report,
    random,
    directory: await makeTestDirectory(),
    model,
    change: (id) => writers.change(id),
    writeTargets,
    excuse,
    replace: async (index: number, other?: NodeJS.ProcessEnv): Promise<void> => {
      instances[index] = await start(index, other);
      loops.push(...readersOf(instances[index]));
    },
  };
  const recovered = async (instance: UsherInstance): Promise<void> => {
    const { ms, amiss } = await recovery(instance);
    report.slowestRecovery = Math.max(report.slowestRecovery, ms);
    report.availability.expect(instance.index);
    if (amiss !== undefined) report.wrong(`instance ${instance.index}: ${amiss}`);
  };
  const beganAt = performance.now();
  const end = beganAt + seconds * 1_000;
  try {
    const isOver = (): boolean => performance.now() > end || until(report);
    while (faults.length === 0 && !isOver()) await sleep(50);
    for (let round = first; !isOver(); round = random.shuffled(faults)) {
      for (const fault of round) {
        if (round !== first && isOver()) break;
        log(`${fault.name} …`);
        report.fault = fault.name;
        if (fault.breaksPostgres) excuse(...instances.keys());
        await fault.run(context);
        report.fault = `after ${fault.name}`;
        await Promise.all(instances.map((instance) => recovered(instance)));
      }
    }
  } finally {
    report.seconds = (performance.now() - beganAt) / 1_000;
    ending.abort();
    await Promise.allSettled(loops);
    const died = instances.filter((instance) => !instance.running);
    for (const { index } of died) report.wrong(`instance ${index} died`);
    await Promise.all(instances.map((instance) => collectAudits(instance, report)));
    await Promise.all(instances.map((instance) => instance.stop()));
    await model.end();
  }
  return report;
}

/** The instances' own staleness samples must agree. */
async function collectAudits(instance: UsherInstance, report: Report): Promise<void> {
  if (!instance.running) return;
  const { body } = await instance.ask('/health/cache');
  report.audited(instance.index, (body as { audits: Audits }).audits);
}

async function anAdmin(model: Model): Promise<string> {
  const id = model.ids.at(-1)!;
  await promote(model.sql, id);
  return model.token(id, model.lastSession(id));
}
