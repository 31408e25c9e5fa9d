import { migrate } from '#database';
import { accountsSchema } from '#accounts';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promote } from '../support/people.js';
import { makeTestDirectory } from '../support/postgres/test-directory.js';
import { type Ablation } from './ablation.js';
import { type Fault, type Scene } from './fault.js';
import { Witness } from './witness.js';
import { Random } from './random.js';
import { Readers } from './readers.js';
import { recovery } from './recovery.js';
import { type Audits, Report } from './report.js';
import { type Stage } from './stage.js';
import { UsherInstance } from './usher-instance.js';
import { World } from './world.js';
import { Writers } from './writers.js';

export interface RunOptions {
  seconds: number;
  seed: number;
  stage: Stage;
  instances?: number;
  /** Of all instances, or of each. */
  ablation?: Ablation | readonly [Ablation, ...Ablation[]];
  /** Come once, before the others, however long that takes. */
  first?: readonly Fault[];
  /** Injected one after the other for as long as the run lasts. */
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

/** Instances, writers, readers, a judge, and things going wrong meanwhile. */
export async function run(options: RunOptions): Promise<Report> {
  const {
    seconds,
    seed,
    stage,
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
  await migrate(stage.directDatabaseUrl, accountsSchema);
  const world = await World.create(stage.directDatabaseUrl, env, USERS);
  const hot = world.ids.slice(0, HOT);
  const adminToken = await anAdmin(world);

  const start = (index: number, other: NodeJS.ProcessEnv = {}): Promise<UsherInstance> =>
    UsherInstance.start(
      index,
      { ...env, ...stage.envOf(index), ...other },
      stage.databaseUrlOf(index),
      typeof ablation === 'string' ? ablation : (ablation[index] ?? 'none'),
    );
  const instances = await Promise.all(Array.from({ length: count }, (_, index) => start(index)));
  const ending = new AbortController();
  const readersOf = (instance: UsherInstance): Promise<void>[] =>
    Array.from({ length: READERS }, () =>
      new Readers(world, instance, serviceToken, new Random(random.below(2 ** 31)), hot, report).run(
        ending.signal,
      ),
    );
  const loops: Promise<void>[] = instances.flatMap(readersOf);
  const bait = new Set<number>();
  const fit = (): UsherInstance[] => {
    const baits = instances.filter(({ index, running }) => running && bait.has(index));
    if (baits.length > 0) return baits;
    return instances.filter(({ index, running }) => running && !report.disturbed.has(index));
  };
  const writers = new Writers(
    world,
    () => (fit().length > 0 ? fit() : instances),
    adminToken,
    new Random(random.below(2 ** 31)),
    hot,
  );
  for (let n = 0; n < WRITERS; n++) loops.push(writers.run(ending.signal, 15));
  loops.push(writers.runBulk(ending.signal, 3_000));

  const witnesses = instances.map(
    ({ index }) => new Witness(stage.databaseUrlOf(index), () => instances[index]!.ask('/health/live')),
  );
  report.availability.watch(witnesses);
  for (const witness of witnesses) loops.push(witness.run(ending.signal));

  const excuse = (...indices: readonly number[]): void =>
    indices.forEach((index) => report.availability.excuse(index));
  const scene: Scene = {
    stage,
    instances,
    report,
    random,
    directory: await makeTestDirectory(),
    world,
    change: (id) => writers.change(id),
    bait,
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
        await fault.run(scene);
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
    await world.end();
  }
  return report;
}

/** What the product itself has found out must agree. */
async function collectAudits(instance: UsherInstance, report: Report): Promise<void> {
  if (!instance.running) return;
  const { body } = await instance.ask('/health/cache');
  report.audited(instance.index, (body as { audits: Audits }).audits);
}

async function anAdmin(world: World): Promise<string> {
  const id = world.ids.at(-1)!;
  await promote(world.sql, id);
  return world.token(id, world.lastSession(id));
}
