/**
 * Waits for work, but no longer than `ms`. The work goes on after that, so it must handle its own late failure.
 *
 * @returns `undefined` when the time is up first
 */
export async function waitAtMost<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer); // a timer that is left keeps the process alive
  }
}
