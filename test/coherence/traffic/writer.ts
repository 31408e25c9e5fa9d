import { type PoolClient } from 'pg';
import { type ModelUser } from '../model/model-user.js';
import { type Random } from '../../support/random/random.js';
import { type UsherInstance } from '../cluster/usher-instance.js';
import { type Ending, type Model } from '../model/model.js';

/** What a write of one user needs. */
export interface Writer {
  readonly model: Model;
  readonly random: Random;
  readonly hot: readonly string[];
  anInstance(): UsherInstance;
  /** Picks one user of `among` and locks it until `write` resolves. Does nothing if the user is locked already. */
  withOne(
    write: (user: ModelUser | null, id: string) => Promise<void>,
    among?: readonly string[],
  ): Promise<void>;
  sql(run: (client: PoolClient) => Promise<unknown>): Promise<Ending>;
}

/** How a write by HTTP ended. */
export async function endingOf(answer: ReturnType<UsherInstance['ask']>): Promise<Ending> {
  const { status } = await answer;
  if (status < 300) return 'committed';
  // These are answered before anything is written. After any other status the write may have happened.
  return [401, 403, 404, 409, 422].includes(status) ? 'rolled back' : 'unknown';
}
