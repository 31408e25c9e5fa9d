import { type Random } from './random.js';
import { type Report } from './report.js';
import { type Stage } from './stage.js';
import { type UsherInstance } from './usher-instance.js';
import { type World } from './world.js';

/** What a fault can lay hands on. */
export interface Scene {
  readonly stage: Stage;
  readonly instances: readonly UsherInstance[];
  readonly report: Report;
  readonly random: Random;
  readonly directory: string;
  readonly world: World;
  /** Commits a change of that user by raw SQL that wakes nobody. */
  change(id: string): Promise<void>;
  /** While there are any, these instances get all writes, although they are disturbed. */
  readonly bait: Set<number>;
  /**
   * From now on these instances may refuse reads, because something is wrong between them and PostgreSQL; until they
   * are back to normal after the fault.
   */
  readonly excuse: (...indices: readonly number[]) => void;
  /** A new process in the place of one that has ended, with other settings if need be. */
  replace(index: number, env?: NodeJS.ProcessEnv): Promise<void>;
}

/**
 * Something that goes wrong and is mended again. A fault that neither breaks PostgreSQL nor excuses an instance claims
 * that every read is answered meanwhile, on every instance that it does not disturb.
 */
export interface Fault {
  readonly name: string;
  /** For all instances: they may refuse reads until they are back to normal. */
  readonly breaksPostgres?: true;
  run(scene: Scene): Promise<void>;
}
