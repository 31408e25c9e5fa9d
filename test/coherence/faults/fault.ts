import { type Random } from '../../support/random/random.js';
import { type Report } from '../report/report.js';
import { type Cluster } from '../cluster/cluster.js';
import { type UsherInstance } from '../cluster/usher-instance.js';
import { type Model } from '../model/model.js';

/** What a fault can lay hands on. */
export interface FaultContext {
  readonly cluster: Cluster;
  readonly instances: readonly UsherInstance[];
  readonly report: Report;
  readonly random: Random;
  readonly directory: string;
  readonly model: Model;
  /** Commits a change of that user by raw SQL that wakes nobody. */
  change(id: string): Promise<void>;
  /** While there are any, these instances get all writes, although they are disturbed. */
  readonly writeTargets: Set<number>;
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
  run(context: FaultContext): Promise<void>;
}
