/** Linear work at four times the size takes four times as long; quadratic work sixteen times. */
const MOST_GROWTH = 9;
/** Work that takes less at the largest size is negligible, however it grows. */
const NEGLIGIBLE_MS = 4;
/** Other work disturbs some rounds. Work that grows too fast fails after any number of them. */
const LEAST_ROUNDS = 3;
const MOST_ROUNDS = 8;

/** The measurement, for a test to check. */
export interface Growth {
  /** Milliseconds of CPU time at a quarter, half and all of the size: the least of the rounds. */
  readonly ms: readonly number[];
  readonly isLinear: boolean;
}

/**
 * How the time of some work grows with the size of its input.
 *
 * @param prepare makes the input of a size, outside of the measured time, and returns the work on it
 */
export async function growthOf(prepare: (size: number) => () => unknown, largest: number): Promise<Growth> {
  const works = [largest, largest / 2, largest / 4].map((size) => prepare(Math.floor(size)));
  const ms = works.map(() => Infinity);
  await works[0]!(); // compiled before it is measured
  for (let round = 1; ; round++) {
    // The sizes take turns, so that a busy moment does not hit one of them alone.
    for (const [index, work] of works.entries()) {
      const before = process.cpuUsage(); // not the clock, which goes on while other processes have the CPU
      await work();
      const { user, system } = process.cpuUsage(before);
      ms[index] = Math.min(ms[index]!, (user + system) / 1_000);
      if (ms[0]! <= NEGLIGIBLE_MS) return { ms: ms.reverse(), isLinear: true };
    }
    const isLinear = ms[0]! <= MOST_GROWTH * ms[2]!;
    if (round === MOST_ROUNDS || (isLinear && round >= LEAST_ROUNDS)) return { ms: ms.reverse(), isLinear };
  }
}
