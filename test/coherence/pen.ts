import { type PoolClient } from 'pg';
import { type Person } from './person.js';
import { type Random } from './random.js';
import { type UsherInstance } from './usher-instance.js';
import { type Ending, type World } from './world.js';

/** What a write of one user is made with. */
export interface Pen {
  readonly world: World;
  readonly random: Random;
  readonly hot: readonly string[];
  anInstance(): UsherInstance;
  /** Whoever of `among` is picked is the caller's alone until it resolves; nothing is done when they are taken. */
  withOne(
    write: (person: Person | null, id: string) => Promise<void>,
    among?: readonly string[],
  ): Promise<void>;
  sql(run: (client: PoolClient) => Promise<unknown>): Promise<Ending>;
}
