import { type UsherInstance } from './usher-instance.js';
import { type Ending } from './world.js';

/** How a write by HTTP ended. */
export async function ended(answer: ReturnType<UsherInstance['ask']>): Promise<Ending> {
  const { status } = await answer;
  if (status < 300) return 'committed';
  // These are said before anything is written; of any other answer nobody knows what it came too late for.
  return [401, 403, 404, 409, 422].includes(status) ? 'rolled back' : 'unknown';
}
