import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, type Scene } from '../fault.js';
import { type Caught, type Trap } from '../trap.js';

/** Longer than Δ. In milliseconds. */
const PAST_DELTA_MS = 1_300;

/** What happens to an instance at a place that chance hits rarely; see `Moment`. */
export const TRAP_FAULTS: readonly Fault[] = [
  {
    name: 'killed-between-commit-and-invalidation',
    run: (scene) =>
      inTrap(scene, { at: 'committed', grip: 'killed' }, async (index, { id }) => {
        await sawCommitted(scene, index, id);
        await sleep(PAST_DELTA_MS);
        await scene.replace(index);
      }),
  },
  {
    name: 'stopped-between-commit-and-invalidation',
    run: (scene) =>
      inTrap(scene, { at: 'committed', grip: 'stopped' }, async (index, { id }) => {
        await sawCommitted(scene, index, id);
        await sleep(PAST_DELTA_MS);
        scene.instances[index]!.signal('SIGCONT');
      }),
  },
  {
    // The most dangerous of all: the instance follows the log meanwhile, and holds its lease when the fill comes.
    name: 'held-between-load-and-fill',
    run: (scene) =>
      inTrap(scene, { at: 'loaded', grip: 'held' }, async (index, { id }) => {
        await scene.change(id);
        await sleep(PAST_DELTA_MS);
        scene.instances[index]!.tell({ release: true });
      }),
  },
  {
    name: 'stopped-between-load-and-fill',
    run: (scene) =>
      inTrap(scene, { at: 'loaded', grip: 'stopped' }, async (index, { id }) => {
        await scene.change(id);
        await sleep(PAST_DELTA_MS);
        scene.instances[index]!.signal('SIGCONT');
      }),
  },
];

/** Catches a call of one instance. What was caught is what the process itself says; a trap that catches nothing is wrong. */
async function inTrap(
  { instances, random, report, bait }: Scene,
  trap: Trap,
  then: (index: number, caught: Caught) => Promise<void>,
): Promise<void> {
  const index = random.below(instances.length);
  report.disturbed.add(index);
  bait.add(index);
  const caught = await instances[index]!.catch(trap);
  bait.delete(index);
  report.sprung(index, trap, caught !== undefined);
  if (caught) await then(index, caught);
  await sleep(2_000); // until what it was asked before has been answered
  report.disturbed.delete(index);
}

/** The commit counts from here on: all must know of it Δ later, though it is never invalidated. */
async function sawCommitted({ world, report }: Scene, index: number, id: string): Promise<void> {
  const committed = await world.sawCommitted(id);
  if (!committed) report.wrong(`instance ${index}: a write was caught that was not committed`);
}
