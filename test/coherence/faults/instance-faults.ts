import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, type FaultContext } from './fault.js';

/** What may go wrong with an instance itself. */
export const INSTANCE_FAULTS: readonly Fault[] = [
  {
    name: 'instance-killed',
    run: (context) =>
      disturbing(context, async (index) => {
        // In the middle of its work: some writes die between commit and invalidation. `FAILPOINT_FAULTS` hit that place for certain.
        await restarted(context, index);
      }),
  },
  {
    name: 'instance-stopped-longer-than-ttl',
    run: (context) =>
      disturbing(context, async (index) => {
        context.instances[index]!.signal('SIGSTOP');
        await sleep(6_500);
        context.instances[index]!.signal('SIGCONT');
      }),
  },
  {
    name: 'instance-stalled',
    run: (context) =>
      disturbing(context, async (index) => {
        context.instances[index]!.tell({ stallMs: 2_500 });
        await sleep(2_600);
      }),
  },
  {
    name: 'instance-cut-off-from-postgres-alone',
    run: (context) =>
      disturbing(context, async (index) => {
        // Its entries may stand in for half a minute. The judge allows 2 s: what changes meanwhile must be refused.
        await restarted(context, index, { STALE_IF_DB_DOWN: '30s', CACHE_TTL: '30s' });
        await sleep(2_000); // to fill its memory
        context.excuse(index);
        const wire = context.cluster.postgresProxies[index]!;
        await wire.cut();
        await sleep(8_000);
        await wire.heal();
        await restarted(context, index);
      }),
  },
  {
    name: 'clock-jumped-forward',
    run: (context) => clockJumped(context, 3_600_000),
  },
  {
    name: 'clock-jumped-back',
    run: (context) => clockJumped(context, -3_600_000),
  },
];

/** Kills the process and starts another in its place. */
async function restarted(context: FaultContext, index: number, env?: NodeJS.ProcessEnv): Promise<void> {
  context.instances[index]!.signal('SIGKILL');
  await sleep(500);
  await context.replace(index, env);
}

async function clockJumped({ instances, random, report }: FaultContext, offsetMs: number): Promise<void> {
  const instance = random.pick(instances);
  report.wrongClocks.add(instance.index);
  instance.tell({ clockOffsetMs: offsetMs });
  await sleep(2_500);
  instance.tell({ clockOffsetMs: 0 });
  await sleep(500); // until what it was asked before has been answered
  report.wrongClocks.delete(instance.index);
}

/** One instance cannot be expected to answer in time, until a little after it is itself again. */
async function disturbing(context: FaultContext, disturb: (index: number) => Promise<void>): Promise<void> {
  const index = context.random.below(context.instances.length);
  context.report.disturbed.add(index);
  await disturb(index);
  await sleep(2_500);
  context.report.disturbed.delete(index);
}
