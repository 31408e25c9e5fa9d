import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, type FaultContext } from './fault.js';
import { type FailpointHit, type Failpoint } from '../cluster/failpoint.js';

/** Longer than Δ. In milliseconds. */
const PAST_DELTA_MS = 1_300;

/** Faults at places that chance rarely hits; see `FailpointSite`. */
export const FAILPOINT_FAULTS: readonly Fault[] = [
  {
    name: 'killed-between-commit-and-invalidation',
    run: (context) =>
      atFailpoint(context, { at: 'committed', action: 'killed' }, async (index, { id }) => {
        await sawCommitted(context, index, id);
        await sleep(PAST_DELTA_MS);
        await context.replace(index);
      }),
  },
  {
    name: 'stopped-between-commit-and-invalidation',
    run: (context) =>
      atFailpoint(context, { at: 'committed', action: 'stopped' }, async (index, { id }) => {
        await sawCommitted(context, index, id);
        await sleep(PAST_DELTA_MS);
        context.instances[index]!.signal('SIGCONT');
      }),
  },
  {
    // The most dangerous: meanwhile the instance polls the log, so it holds its lease when the fill comes.
    name: 'held-between-load-and-fill',
    run: (context) =>
      atFailpoint(context, { at: 'loaded', action: 'held' }, async (index, { id }) => {
        await context.change(id);
        await sleep(PAST_DELTA_MS);
        context.instances[index]!.tell({ release: true });
      }),
  },
  {
    name: 'stopped-between-load-and-fill',
    run: (context) =>
      atFailpoint(context, { at: 'loaded', action: 'stopped' }, async (index, { id }) => {
        await context.change(id);
        await sleep(PAST_DELTA_MS);
        context.instances[index]!.signal('SIGCONT');
      }),
  },
];

/** Stops one call of one instance. The process itself says which; a failpoint that no call reaches is a violation. */
async function atFailpoint(
  { instances, random, report, writeTargets }: FaultContext,
  failpoint: Failpoint,
  then: (index: number, hit: FailpointHit) => Promise<void>,
): Promise<void> {
  const index = random.below(instances.length);
  report.disturbed.add(index);
  writeTargets.add(index);
  const hit = await instances[index]!.hit(failpoint);
  writeTargets.delete(index);
  report.failpointReached(index, failpoint, hit !== undefined);
  if (hit) await then(index, hit);
  await sleep(2_000); // until the requests it already had are answered
  report.disturbed.delete(index);
}

/** The commit counts from here on: every instance must serve it Δ later, though nothing is invalidated. */
async function sawCommitted({ model, report }: FaultContext, index: number, id: string): Promise<void> {
  const committed = await model.sawCommitted(id);
  if (!committed) report.wrong(`instance ${index}: the failpoint hit a write that was not committed`);
}
