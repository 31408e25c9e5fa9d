import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, type Scene } from '../fault.js';

/** What may go wrong with an instance itself. */
export const INSTANCE_FAULTS: readonly Fault[] = [
  {
    name: 'instance-killed',
    run: (scene) =>
      disturbing(scene, async (index) => {
        // In the middle of its work: some writes die between commit and invalidation. `TRAP_FAULTS` hit that place for certain.
        await restarted(scene, index);
      }),
  },
  {
    name: 'instance-stopped-longer-than-ttl',
    run: (scene) =>
      disturbing(scene, async (index) => {
        scene.instances[index]!.signal('SIGSTOP');
        await sleep(6_500);
        scene.instances[index]!.signal('SIGCONT');
      }),
  },
  {
    name: 'instance-stalled',
    run: (scene) =>
      disturbing(scene, async (index) => {
        scene.instances[index]!.tell({ stallMs: 2_500 });
        await sleep(2_600);
      }),
  },
  {
    name: 'instance-cut-off-from-postgres-alone',
    run: (scene) =>
      disturbing(scene, async (index) => {
        // Its entries may stand in for half a minute. The judge allows 2 s: what changes meanwhile must be refused.
        await restarted(scene, index, { STALE_IF_DB_DOWN: '30s', CACHE_TTL: '30s' });
        await sleep(2_000); // to fill its memory
        scene.excuse(index);
        const wire = scene.stage.postgresProxies[index]!;
        await wire.cut();
        await sleep(8_000);
        await wire.heal();
        await restarted(scene, index);
      }),
  },
  {
    name: 'clock-jumped-forward',
    run: (scene) => clockJumped(scene, 3_600_000),
  },
  {
    name: 'clock-jumped-back',
    run: (scene) => clockJumped(scene, -3_600_000),
  },
];

/** Kills the process and starts another in its place. */
async function restarted(scene: Scene, index: number, env?: NodeJS.ProcessEnv): Promise<void> {
  scene.instances[index]!.signal('SIGKILL');
  await sleep(500);
  await scene.replace(index, env);
}

async function clockJumped({ instances, random, report }: Scene, offsetMs: number): Promise<void> {
  const instance = random.pick(instances);
  report.wrongClocks.add(instance.index);
  instance.tell({ clockOffsetMs: offsetMs });
  await sleep(2_500);
  instance.tell({ clockOffsetMs: 0 });
  await sleep(500); // until what it was asked before has been answered
  report.wrongClocks.delete(instance.index);
}

/** One instance cannot be expected to answer in time, until a little after it is itself again. */
async function disturbing(scene: Scene, disturb: (index: number) => Promise<void>): Promise<void> {
  const index = scene.random.below(scene.instances.length);
  scene.report.disturbed.add(index);
  await disturb(index);
  await sleep(2_500);
  scene.report.disturbed.delete(index);
}
